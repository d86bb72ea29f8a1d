import {
  type CacheClient,
  CacheRefusal,
  createCacheClient,
} from "../../client/gateway/cache-client.ts";
import type { GatewayFacts } from "../../api/answers.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import type { OpenCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { ClientError } from "../../client/client-error.ts";
import { resolvePathArgument } from "../closure/path-argument.ts";
import { askLocalNix } from "../../client/use/ask-local-nix.ts";
import { examineEdge } from "./examine-edge.ts";
import { judgePublishedKeys, judgeSigning, judgeVersion } from "./examine-gateway.ts";
import { examineNetrc, judgeNixConf } from "./examine-nix.ts";
import { examineSite } from "./examine-site.ts";
import { examineLargePushes } from "./examine-large-pushes.ts";
import { examineToken } from "./examine-token.ts";
import { faultRemedy } from "./fault-remedy.ts";
import type { Finding } from "../../checks/finding.ts";
import { takeBack, tryRoundTrip } from "./round-trip.ts";

/** The width of the longest name of a check. */
export const CHECK_WIDTH = "bot challenge".length;

/**
 * Checks everything that this machine needs to use the cache. The most basic checks
 * come first. Each finding comes when its check has ended.
 */
export async function* runDoctor(
  cache: OpenCache,
  pathText: string | undefined,
  context: ProcessContext,
): AsyncGenerator<Finding, void, undefined> {
  const { client } = cache;
  const site = await examineSite(client, context);
  yield* site.findings;
  const nothingElse: Finding = {
    check: "other checks",
    verdict: "skipped",
    says: "not run, because no Nargate cache was found",
  };
  if (!site.isThere) {
    yield nothingElse;
    return;
  }
  const clock = site.clock ?? {
    check: "clock",
    verdict: "skipped",
    says: "the cache sends no valid Date header",
  };

  let facts: GatewayFacts;
  try {
    facts = await readGatewayFacts(client);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    yield clock;
    yield { check: "version", verdict: "FAIL", says: error.message, remedy: remedyOf(error) };
    yield nothingElse;
    return;
  }
  const { url } = client;
  const use = { url, isPrivate: facts.access === "token", publicKeys: facts.publicKeys };
  const nix = await askLocalNix(context);
  yield judgePublishedKeys(facts);
  yield judgeSigning(facts);
  yield judgeNixConf(use, nix);
  yield* examineUse(cache, facts, pathText, context);
  yield clock;
  yield judgeVersion(facts);
  yield await examineNetrc(use, nix, cache.http);
}

/** A gateway that fails, or whose bucket is down, is not too old. */
function remedyOf(error: ClientError): string {
  const remedy = error instanceof CacheRefusal ? faultRemedy(error.status) : undefined;
  return (
    remedy ??
    "Check that this is the URL of a Nargate cache. If its gateway is too old, deploy a new version."
  );
}

/** Checks the token, the round trip and the edge. Deletes the path of the round trip. */
async function* examineUse(
  { client, http, token }: OpenCache,
  gateway: GatewayFacts,
  pathText: string | undefined,
  context: ProcessContext,
): AsyncGenerator<Finding, void, undefined> {
  const { finding, facts } = await examineToken(client, token, context.now());
  yield finding;
  const roundTrip = await tryRoundTrip(client, gateway, facts, context);
  yield roundTrip.finding;
  if (roundTrip.isPushed) yield await examineLargePushes(client);
  const throwAway = roundTrip.path;
  const path =
    pathText === undefined
      ? { hash: throwAway.hash, text: throwAway.storePath }
      : await resolvePathArgument(pathText, gateway.storeDir, context);
  // Most clients of a public cache have no token. The edge treats a pusher's token differently.
  const reader: CacheClient =
    gateway.access === "token"
      ? client
      : createCacheClient(client.url, async () => undefined, http);
  yield await examineEdge(reader, path, context);
  if (roundTrip.isPushed && facts !== undefined) yield await takeBack(client, throwAway, facts);
}
