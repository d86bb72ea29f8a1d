/**
 * Returns whether an answer is a bot challenge: Cloudflare stopped the request
 * before it reached the cache.
 */
export function isBotChallenge(status: number, headers: Headers): boolean {
  if (headers.has("cf-mitigated")) return true;
  const isHtml = (headers.get("content-type") ?? "").includes("text/html");
  return isHtml && (status === 403 || status === 503);
}

/** Returns what the operator of the Cloudflare zone must do, so that Nix is not challenged. */
export function botChallengeRemedy(url: string): string {
  return (
    `Security → WAF → Custom rules: when (http.host eq "${new URL(url).host}"), Skip all remaining custom rules, ` +
    "Super Bot Fight Mode, Browser Integrity Check and Security Level. No rule skips Bot Fight Mode (free plan): switch it off."
  );
}

// The edge stores an object after it has answered, and the next request may reach another machine
// of the edge. So one read is not enough.
const READ_ATTEMPTS = 3;
const READ_PAUSE_MILLISECONDS = 500;

/** The result of several reads of one object. */
export interface EdgeReads {
  /**
   * The word of `Server-Timing` in the last answer, such as `hit`; `unknown` if the
   * header is missing.
   */
  readonly outcome: string;
  readonly attempts: number;
}

/**
 * Reads an object until its answer comes from the edge, at most three times after
 * the first read.
 */
export async function readUntilEdgeHit(
  read: () => Promise<Headers>,
  sleep: (milliseconds: number) => Promise<unknown>,
): Promise<EdgeReads> {
  await read();
  let outcome = "unknown";
  for (let attempt = 1; attempt <= READ_ATTEMPTS; attempt++) {
    await sleep(READ_PAUSE_MILLISECONDS);
    const timing = (await read()).get("server-timing") ?? "";
    outcome = /\bedge;desc="?(\w+)/.exec(timing)?.[1] ?? "unknown";
    if (outcome === "hit") return { outcome, attempts: attempt };
  }
  return { outcome, attempts: READ_ATTEMPTS };
}
