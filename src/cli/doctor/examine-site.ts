import { type CacheInfo, parseCacheInfo, UPSTREAM_PRIORITY } from "../../nix/cache-info.ts";
import { botChallengeRemedy, isBotChallenge } from "../../client/gateway/cloudflare-answers.ts";
import { type CacheClient, refusalOf } from "../../client/gateway/cache-client.ts";
import { type HttpAnswer, Unreachable } from "../../client/gateway/http-client.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import type { Finding } from "../../checks/finding.ts";
import { toOneLine } from "../../client/plain-text.ts";

/** As Nix names itself: what stands before the cache may treat others otherwise. */
const USER_AGENT = "curl/8.12.1 Nix/2.31.2";

const MAX_CLOCK_SKEW_SECONDS = 60;

export interface SiteExamination {
  readonly findings: readonly Finding[];
  /** Whether there is a cache to look at further. */
  readonly isThere: boolean;
  readonly clock: Finding | undefined;
}

/** What the first file of a binary cache tells: reachable, not challenged, and with which priority. */
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
    const remedy =
      "Is the URL right? Is this machine online, and is there a proxy or a firewall in between?";
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
        says: `${host} answers ${answer.status}, and sends everyone elsewhere`,
        remedy: `Use the URL of the cache itself; this one leads to ${toOneLine(location)}`,
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
      says: `Cloudflare answers ${answer.status} to find out if Nix is a person; Nix takes that for "not there"`,
      remedy: botChallengeRemedy(client.url),
    };
    return stop([reachable, challenge]);
  }
  return {
    findings: [
      reachable,
      { check: "bot challenge", verdict: "ok", says: "none" },
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
  const priority = { check: "priority", verdict: "skipped", says: "no cache info" } as const;
  if (answer.status === 401) {
    const says = "401: this cache is private";
    const remedy = "Give a token: NARGATE_TOKEN, --token-file or netrc.";
    return [{ check, verdict: "FAIL", says, remedy }, priority];
  }
  if (answer.status !== 200) {
    const says = refusalOf("nix-cache-info", answer).message;
    const remedy = "Is this the URL of a cache? Its operator finds the reason in the log.";
    return [{ check, verdict: "FAIL", says, remedy }, priority];
  }
  const info = parseCacheInfo(answer.body.toString());
  if (!info.ok || info.value.storeDir === undefined) {
    const says = info.ok ? "not a nix-cache-info" : `not a nix-cache-info: ${info.error}`;
    const remedy = "Is this the URL of a cache? Something else seems to answer there.";
    return [{ check, verdict: "FAIL", says, remedy }, priority];
  }
  const says = `a cache for ${toOneLine(info.value.storeDir)}`;
  return [{ check, verdict: "ok", says }, judgePriority(info.value)];
}

function judgePriority({ priority = 0 }: CacheInfo): Finding {
  const check = "priority";
  if (priority > UPSTREAM_PRIORITY) {
    const says = `${priority}: asked after cache.nixos.org, which has ${UPSTREAM_PRIORITY}`;
    return { check, verdict: "ok", says };
  }
  return {
    check,
    verdict: "warn",
    says: `${priority}: asked ${priority < UPSTREAM_PRIORITY ? "before" : "as early as"} cache.nixos.org, for all of nixpkgs`,
    remedy: "PRIORITY above 40 in the gateway's settings saves every client that wait.",
  };
}

/** `sentAt` and `arrivedAt` in milliseconds; the server wrote its date in between. */
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
    return { check, verdict: "ok", says: "this machine and the cache agree" };
  }
  return {
    check,
    verdict: "warn",
    says: `this machine is ${seconds} s ${ahead > 0 ? "ahead of" : "behind"} the cache`,
    remedy: "Set the clock (NTP): certificates and the expiry of tokens depend on it.",
  };
}
