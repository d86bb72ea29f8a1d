import { type CacheInfo, parseCacheInfo, UPSTREAM_PRIORITY } from "../../nix/cache-info.ts";
import { botChallengeRemedy, isBotChallenge } from "../../client/gateway/cloudflare-answers.ts";
import { type CacheClient, refusalOf } from "../../client/gateway/cache-client.ts";
import { type HttpAnswer, Unreachable } from "../../client/gateway/http-client.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { Finding } from "../../checks/finding.ts";
import { toOneLine } from "../../client/plain-text.ts";
import { faultRemedy } from "./fault-remedy.ts";

/** The User-Agent of Nix. A firewall before the cache may treat other clients differently. */
const USER_AGENT = "curl/8.12.1 Nix/2.31.2";

const MAX_CLOCK_SKEW_SECONDS = 60;

export interface SiteExamination {
  readonly findings: readonly Finding[];
  /** True if a cache answers, so that the other checks can run. */
  readonly isThere: boolean;
  readonly clock: Finding | undefined;
}

/**
 * Reads nix-cache-info. Checks that the cache is reachable and sends no bot
 * challenge, and then its priority and its clock.
 */
export async function examineSite(
  client: CacheClient,
  context: ProcessContext,
): Promise<SiteExamination> {
  const startedAt = context.now().getTime();
  let answer: HttpAnswer;
  try {
    const headers = { "user-agent": USER_AGENT };
    answer = await client.send({ method: "GET", target: "nix-cache-info", headers });
  } catch (error) {
    if (!(error instanceof Unreachable)) throw error;
    const remedy = "Check the URL, this machine's network, and any proxy or firewall.";
    return stop([{ check: "reachable", verdict: "FAIL", says: error.message, remedy }]);
  }
  const { host } = new URL(client.url);
  const milliseconds = context.now().getTime() - startedAt;
  const location = answer.headers.get("location");
  if (answer.status >= 300 && answer.status < 400 && location !== null) {
    return stop([
      {
        check: "reachable",
        verdict: "FAIL",
        says: `${host} answers ${answer.status} and redirects to another URL`,
        remedy: `Use the URL of the cache itself. This URL redirects to ${toOneLine(location)}`,
      },
    ]);
  }
  const reachable: Finding = {
    check: "reachable",
    verdict: "ok",
    says: `${host} answers in ${milliseconds} ms`,
  };
  if (isBotChallenge(answer.status, answer.headers)) {
    const challenge: Finding = {
      check: "bot challenge",
      verdict: "FAIL",
      says: `Cloudflare answers ${answer.status} with a bot challenge. Nix cannot solve it, and takes every path for absent`,
      remedy: botChallengeRemedy(client.url),
    };
    return stop([reachable, challenge]);
  }
  return {
    findings: [
      reachable,
      { check: "bot challenge", verdict: "ok", says: "Cloudflare sends no bot challenge" },
      ...judgeCacheInfo(answer),
    ],
    isThere: true,
    clock: judgeClock(answer.headers.get("date"), startedAt, context.now().getTime()),
  };
}

function stop(findings: readonly Finding[]): SiteExamination {
  return { findings, isThere: false, clock: undefined };
}

function judgeCacheInfo(answer: HttpAnswer): readonly Finding[] {
  const check = "cache info";
  const priority = { check: "priority", verdict: "skipped", says: "needs the cache info" } as const;
  if (answer.status === 401) {
    const says = "401: this cache is private";
    const remedy = "Give a token with --token-file, NARGATE_TOKEN or netrc.";
    return [{ check, verdict: "FAIL", says, remedy }, priority];
  }
  if (answer.status !== 200) {
    const says = refusalOf("nix-cache-info", answer).message;
    const remedy = faultRemedy(answer.status) ?? "Check that this is the URL of a cache.";
    return [{ check, verdict: "FAIL", says, remedy }, priority];
  }
  const info = parseCacheInfo(answer.body.toString());
  if (!info.ok || info.value.storeDir === undefined) {
    const says = info.ok ? "not a nix-cache-info" : `not a nix-cache-info: ${info.error}`;
    const remedy =
      "Check that this is the URL of a cache. The answer seems to come from another server.";
    return [{ check, verdict: "FAIL", says, remedy }, priority];
  }
  const says = `a binary cache for ${toOneLine(info.value.storeDir)}`;
  return [{ check, verdict: "ok", says }, judgePriority(info.value)];
}

function judgePriority({ priority = 0 }: CacheInfo): Finding {
  const check = "priority";
  if (priority > UPSTREAM_PRIORITY) {
    const says = `${priority}: Nix asks this cache after cache.nixos.org, which has ${UPSTREAM_PRIORITY}`;
    return { check, verdict: "ok", says };
  }
  return {
    check,
    verdict: "warn",
    says: `${priority}: Nix asks this cache ${priority < UPSTREAM_PRIORITY ? "before" : "as early as"} cache.nixos.org, for all of nixpkgs`,
    remedy:
      "Set PRIORITY above 40 in the gateway's settings, so that Nix asks cache.nixos.org first.",
  };
}

/**
 * Compares the clocks of this machine and of the cache. `sentAt` and `arrivedAt`
 * are in milliseconds; the server wrote `date` between them. Returns `undefined` if
 * `date` is not a date.
 */
export function judgeClock(
  date: string | null,
  sentAt: number,
  arrivedAt: number,
): Finding | undefined {
  const serverTime = Date.parse(date ?? "");
  if (Number.isNaN(serverTime)) return undefined;
  const ahead = (Math.max(sentAt - serverTime, 0) + Math.min(arrivedAt - serverTime, 0)) / 1000;
  const seconds = Math.round(Math.abs(ahead));
  const check = "clock";
  if (seconds <= MAX_CLOCK_SKEW_SECONDS) {
    return { check, verdict: "ok", says: "the clocks of this machine and of the cache agree" };
  }
  return {
    check,
    verdict: "warn",
    says: `the clock of this machine is ${seconds} s ${ahead > 0 ? "ahead of" : "behind"} the cache`,
    remedy:
      "Set the clock of this machine (NTP): certificates and the expiry of tokens depend on it.",
  };
}
