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
