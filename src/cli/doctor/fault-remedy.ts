/**
 * Returns what a person can do about a 5xx answer: the cache is there, so its URL, the
 * token and this machine are not at fault. Returns `undefined` for any other status.
 */
export function faultRemedy(status: number): string | undefined {
  if (status < 500) return undefined;
  return status === 503
    ? "The bucket is unavailable, or the daily cap of its account is used up. At Backblaze the caps are under Caps & Alerts."
    : "The gateway is there, and has a problem with its settings or its bucket. Its log says which: npx wrangler tail.";
}
