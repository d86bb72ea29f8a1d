import type { GatewayFacts } from "../../api/answers.ts";
import { FAILURES } from "../../api/failures/failures.ts";
import { hasScope } from "../../api/tokens.ts";
import { type CacheClient, CacheRefusal, refusalOf } from "../../client/gateway/cache-client.ts";
import { bytesBody } from "../../client/gateway/http-client.ts";
import { isUsable, whyUnusable } from "../../client/gateway/usable.ts";
import type { TokenFacts } from "../../client/gateway/token-facts.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { Finding } from "../../checks/finding.ts";
import { parseNarinfo } from "../../nix/narinfo.ts";
import { faultRemedy } from "./fault-remedy.ts";
import { makeThrowAwayPath, type ThrowAwayPath } from "./throw-away-path.ts";

const CHECK = "round trip";

export interface RoundTrip {
  readonly finding: Finding;
  /** The path that was pushed, or that would have been. */
  readonly path: ThrowAwayPath;
  /** Whether the cache has the path now. */
  readonly isPushed: boolean;
}

/**
 * Pushes the throw-away path, reads it back with the same token, and checks that a
 * client with the keys that the cache publishes would accept it.
 */
export async function tryRoundTrip(
  client: CacheClient,
  facts: GatewayFacts,
  token: TokenFacts | undefined,
  { now }: Pick<ProcessContext, "now">,
): Promise<RoundTrip> {
  let path = await makeThrowAwayPath(facts.storeDir);
  if (token === undefined || !hasScope(token, "push")) {
    const says = token === undefined ? "needs a token that may push" : "the token may not push";
    return { finding: { check: CHECK, verdict: "skipped", says }, path, isPushed: false };
  }
  const startedAt = now().getTime();
  try {
    await put(client, path.narUrl, path.nar);
    try {
      await put(client, `${path.hash}.narinfo`, Buffer.from(path.narinfo));
    } catch (error) {
      if (!isSignatureDemand(error)) throw error;
      path = await makeThrowAwayPath(facts.storeDir, "content-addressed");
      await put(client, `${path.hash}.narinfo`, Buffer.from(path.narinfo));
    }
    // The gateway may have added its signature.
    const narinfo = (await get(client, `${path.hash}.narinfo`)).toString();
    if (!path.narinfo.split("\n").every((line) => narinfo.split("\n").includes(line))) {
      return { finding: changed("narinfo"), path, isPushed: true };
    }
    if (!(await get(client, path.narUrl)).equals(path.nar))
      return { finding: changed("NAR"), path, isPushed: true };
    const seconds = ((now().getTime() - startedAt) / 1000).toFixed(1);
    const finding = await judgeSignatures(narinfo, path, facts, seconds);
    return { finding, path, isPushed: true };
  } catch (error) {
    if (!(error instanceof CacheRefusal)) throw error;
    const { message: says, status } = error;
    const finding: Finding = { check: CHECK, verdict: "FAIL", says, remedy: faultRemedy(status) };
    return { finding, path, isPushed: false };
  }
}

/** Whether the cache refused a path because its pushers must sign (TRUSTED_PUBLIC_KEYS). */
function isSignatureDemand(error: unknown): boolean {
  return (
    error instanceof CacheRefusal &&
    error.message.includes(FAILURES["signature-required"].message.slice(0, 40))
  );
}

/** Says whether a client that trusts the published keys accepts the path that came back. */
async function judgeSignatures(
  text: string,
  { storePath }: ThrowAwayPath,
  facts: GatewayFacts,
  seconds: string,
): Promise<Finding> {
  const narinfo = parseNarinfo(text, facts.storeDir);
  const says = `pushed ${storePath} and read it back in ${seconds} s`;
  if (narinfo.ok && (await isUsable(narinfo.value, facts))) {
    return { check: CHECK, verdict: "ok", says: `${says}; clients accept it` };
  }
  if (facts.signingKeys === undefined || facts.signingKeys.length > 0) {
    return {
      check: CHECK,
      verdict: "FAIL",
      says: `${says}, but clients do not accept it: ${whyUnusable(facts)}`,
      remedy: "Check that SIGNING_KEY is set, and that PUBLIC_KEYS has no other key of its name.",
    };
  }
  return {
    check: CHECK,
    verdict: "warn",
    says: `${says}, but clients accept only what its pusher signs: the gateway does not sign`,
    remedy:
      "Set SIGNING_KEY, so that the gateway signs every push. Or push with --sign-key everywhere, and publish that key with PUBLIC_KEYS.",
  };
}

/**
 * Deletes the throw-away path if the token has the scope admin. Without this scope
 * the path stays: 500 bytes, once.
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
        "You can leave the path in the cache. The next round trip uses it again, and nothing else depends on it.";
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
