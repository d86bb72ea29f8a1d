/**
 * Formats a number with about three significant digits, since the measurements are
 * not more exact. Whole numbers below 100,000 are counts and stay exact.
 */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 100_000) return String(value);
  if (Math.abs(value) >= 100) return String(Math.round(value));
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}
