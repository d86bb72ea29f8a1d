import { hasScope } from "../../api/scopes.ts";
import { type CacheClient, CacheRefusal, refusalOf } from "../../client/gateway/cache-client.ts";
import { bytesBody } from "../../client/gateway/http-client.ts";
import type { TokenFacts } from "../../client/gateway/token-facts.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { Finding } from "../../checks/finding.ts";
import type { ThrowAwayPath } from "./throw-away-path.ts";

const CHECK = "round trip";

/** Pushes the path and reads it back, as its pusher. */
export async function tryRoundTrip(
  client: CacheClient,
  path: ThrowAwayPath,
  token: TokenFacts | undefined,
  { now }: Pick<ProcessContext, "now">,
): Promise<Finding> {
  if (token === undefined || !hasScope(token, "push")) {
    const says = token === undefined ? "needs a token" : "the token may not push";
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
  const says = `${path.storePath} pushed and read back in ${seconds} s`;
  return { check: CHECK, verdict: "ok", says };
}

/** Takes the path out again; only an admin may. One of a pusher stays, some 300 bytes a day. */
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
      const remedy = "The next round trip of today uses the same path; nothing else depends on it.";
      return { check, verdict: "warn", says, remedy };
    }
  }
  return { check, verdict: "ok", says: "the throw-away path is deleted again" };
}

function changed(what: string): Finding {
  return {
    check: CHECK,
    verdict: "FAIL",
    says: `the ${what} read back is not the one that was pushed`,
    remedy: "Something between here and the cache changes what passes, or the bucket does.",
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
