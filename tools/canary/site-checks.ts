import { randomBytes } from "node:crypto";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import { type CacheInfo, parseCacheInfo, UPSTREAM_PRIORITY } from "../../src/nix/cache-info.ts";
import { botChallengeRemedy, isBotChallenge } from "../../src/client/gateway/cloudflare-answers.ts";
import { type Check, known, NotSeen, type Observation } from "../../src/checks/check.ts";
import type { Deployment } from "./deployment.ts";

const ABSENT_HASH = encodeNix32(randomBytes(20));

/** The first check. If it fails, the other checks do not run. */
export const REACHABLE_CHECK: Check<Deployment> = {
  check: "nix-cache-info",
  expected: known("Nargate", "200"),
  async observe(deployment) {
    try {
      const response = await deployment.read("nix-cache-info");
      return describeFirstAnswer(response, await response.text(), deployment);
    } catch (error) {
      // A host name that does not resolve is a failure, not an unknown result.
      return (error as Error).message;
    }
  },
};

/** Checks that need no store path of the cache. */
export const SITE_CHECKS: readonly Check<Deployment>[] = [
  {
    check: "nix-cache-info: Priority (cache.nixos.org has 40)",
    expected: known("Nargate", "above 40"),
    async observe(deployment) {
      const { priority = 0 } = await readCacheInfo(deployment);
      if (priority > UPSTREAM_PRIORITY)
        return `above 40: ${priority}, so Nix asks cache.nixos.org first`;
      return {
        says: `${priority}: Nix asks this cache ${priority < UPSTREAM_PRIORITY ? "before" : "as early as"} cache.nixos.org`,
        remedy:
          "Set PRIORITY above 40 in the gateway's settings. Until then every client asks this cache for all of nixpkgs.",
      };
    },
  },
  {
    check: "nix-cache-info: StoreDir",
    async observe(deployment) {
      const { storeDir = "none" } = await readCacheInfo(deployment);
      return { says: storeDir, expected: known("Nargate", deployment.storeDir) };
    },
  },
  {
    check: "GET of an absent narinfo",
    expected: known("Nargate", "404, max-age=10"),
    observe: readAbsent,
  },
  {
    check: "the second GET of the absent narinfo",
    expected: known("Nargate", "404, max-age=10"),
    observe: readAbsent,
  },
];

function describeFirstAnswer(
  { status, headers }: Response,
  text: string,
  { url }: Deployment,
): string | Observation {
  const mitigation = headers.get("cf-mitigated");
  const isHtml = (headers.get("content-type") ?? "").includes("text/html");
  if (isBotChallenge(status, headers)) {
    return {
      says: `a bot challenge: ${status}${isHtml ? " with HTML" : ""}${mitigation === null ? "" : `, cf-mitigated: ${mitigation}`}`,
      remedy: botChallengeRemedy(url),
    };
  }
  if (status === 401) {
    return {
      says: "401",
      remedy:
        "This cache is private (READ_ACCESS=token), and the canary checks only public caches. Run nargate doctor with a token instead.",
    };
  }
  if (status !== 200) return `${status}`;
  const info = parseCacheInfo(text);
  if (!info.ok) return `not a nix-cache-info: ${info.error}`;
  return isHtml || info.value.storeDir === undefined ? "not a nix-cache-info" : "200";
}

async function readCacheInfo(deployment: Deployment): Promise<CacheInfo> {
  const response = await deployment.read("nix-cache-info");
  const info = parseCacheInfo(await response.text());
  if (!info.ok) throw new NotSeen(info.error);
  return info.value;
}

async function readAbsent(deployment: Deployment): Promise<string> {
  const response = await deployment.read(`${ABSENT_HASH}.narinfo`);
  await response.body?.cancel();
  const cacheControl = response.headers.get("cache-control") ?? "no Cache-Control";
  const maxAge = /\bmax-age=\d+/.exec(cacheControl)?.[0];
  return `${response.status}, ${maxAge ?? cacheControl}`;
}
