import { type CacheClient, createCacheClient } from "../../client/gateway/cache-client.ts";
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
import { examineToken } from "./examine-token.ts";
import type { Finding } from "../../checks/finding.ts";
import { takeBack, tryRoundTrip } from "./round-trip.ts";

/** Checks everything that this machine needs to use the cache. The most basic checks come first. */
export async function runDoctor(
  cache: OpenCache,
  pathText: string | undefined,
  context: ProcessContext,
): Promise<readonly Finding[]> {
  const { client } = cache;
  const site = await examineSite(client, context);
  const nothingElse: Finding = {
    check: "other checks",
    verdict: "skipped",
    says: "not run, because no Nargate cache was found",
  };
  if (!site.isThere) return [...site.findings, nothingElse];
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
    const version: Finding = {
      check: "version",
      verdict: "FAIL",
      says: error.message,
      remedy:
        "Check that this is the URL of a Nargate cache. If its gateway is too old, deploy a new version.",
    };
    return [...site.findings, clock, version, nothingElse];
  }
  const { url } = client;
  const use = { url, isPrivate: facts.access === "token", publicKeys: facts.publicKeys };
  const nix = await askLocalNix(context);
  return [
    ...site.findings,
    judgePublishedKeys(facts),
    judgeSigning(facts),
    judgeNixConf(use, nix),
    ...(await examineUse(cache, facts, pathText, context)),
    clock,
    judgeVersion(facts),
    await examineNetrc(use, nix, cache.http),
  ];
}

/** Checks the token, the round trip and the edge. Deletes the path of the round trip. */
async function examineUse(
  { client, http, token }: OpenCache,
  gateway: GatewayFacts,
  pathText: string | undefined,
  context: ProcessContext,
): Promise<readonly Finding[]> {
  const { finding, facts } = await examineToken(client, token, context.now());
  const roundTrip = await tryRoundTrip(client, gateway, facts, context);
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
  const edge = await examineEdge(reader, path, context);
  return [
    finding,
    roundTrip.finding,
    edge,
    ...(roundTrip.isPushed && facts !== undefined
      ? [await takeBack(client, throwAway, facts)]
      : []),
  ];
}
