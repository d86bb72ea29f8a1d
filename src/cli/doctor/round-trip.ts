import { hasScope } from "../../api/scopes.ts";
import { type CacheClient, CacheRefusal, refusalOf } from "../../client/gateway/cache-client.ts";
import { bytesBody } from "../../client/gateway/http-client.ts";
import type { TokenFacts } from "../../client/gateway/token-facts.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { Finding } from "../../checks/finding.ts";
import type { ThrowAwayPath } from "./throw-away-path.ts";

const CHECK = "round trip";

/** Pushes the throw-away path, and reads it back with the same token. */
export async function tryRoundTrip(
  client: CacheClient,
  path: ThrowAwayPath,
  token: TokenFacts | undefined,
  { now }: Pick<ProcessContext, "now">,
): Promise<Finding> {
  if (token === undefined || !hasScope(token, "push")) {
    const says = token === undefined ? "needs a token that may push" : "the token may not push";
    return { check: CHECK, verdict: "skipped", says };
  }
  const startedAt = now().getTime();
  try {
    await put(client, path.narUrl, path.nar);
    const narinfoUrl = `${path.hash}.narinfo`;
    await put(client, narinfoUrl, Buffer.from(path.narinfo));
    // The gateway may have added its signature.
    const narinfo = (await get(client, narinfoUrl)).toString();
    if (!path.narinfo.split("\n").every((line) => narinfo.split("\n").includes(line))) {
      return changed("narinfo");
    }
    if (!(await get(client, path.narUrl)).equals(path.nar)) return changed("NAR");
  } catch (error) {
    if (!(error instanceof CacheRefusal)) throw error;
    return { check: CHECK, verdict: "FAIL", says: error.message };
  }
  const seconds = ((now().getTime() - startedAt) / 1000).toFixed(1);
  const says = `pushed ${path.storePath} and read it back in ${seconds} s`;
  return { check: CHECK, verdict: "ok", says };
}

/**
 * Deletes the throw-away path if the token has the scope admin. Without this scope
 * the path stays, and adds about 300 bytes a day.
 */
export async function takeBack(
  client: CacheClient,
  path: ThrowAwayPath,
  token: TokenFacts,
): Promise<Finding> {
  const check = "clean-up";
  if (!hasScope(token, "admin")) {
    const says = "the throw-away path stays: only a token with the scope admin may delete it";
    return { check, verdict: "ok", says };
  }
  for (const target of [`${path.hash}.narinfo`, `${path.narUrl}?force=true`]) {
    const answer = await client.send({ method: "DELETE", target });
    if (answer.status !== 204 && answer.status !== 404) {
      const says = refusalOf(`DELETE ${target}`, answer).message;
      const remedy =
        "You can leave the path in the cache. The next round trip of today uses it again, and nothing else depends on it.";
      return { check, verdict: "warn", says, remedy };
    }
  }
  return { check, verdict: "ok", says: "the throw-away path is deleted" };
}

function changed(what: string): Finding {
  return {
    check: CHECK,
    verdict: "FAIL",
    says: `the ${what} that came back differs from the ${what} that was pushed`,
    remedy:
      "Look for a proxy between this machine and the cache that changes bytes. Otherwise the bucket changes them.",
  };
}

async function put(client: CacheClient, target: string, bytes: Buffer): Promise<void> {
  const answer = await client.send({ method: "PUT", target, body: bytesBody(bytes) });
  if (answer.status < 200 || answer.status > 299) throw refusalOf(`PUT ${target}`, answer);
}

async function get(client: CacheClient, target: string): Promise<Buffer> {
  const answer = await client.send({ method: "GET", target });
  if (answer.status !== 200) throw refusalOf(`GET ${target}`, answer);
  return answer.body;
}
