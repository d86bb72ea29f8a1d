/** The middle of the values; between the two middle ones of an even number. Throws for none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.ceil(sorted.length / 2) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("the median of nothing");
  return (lower + upper) / 2;
}

/**
 * The median of the ratios of what was measured side by side. A machine that
 * turns slow for a second slows both of a pair, and their ratio stays.
 */
export function medianRatio(values: readonly number[], others: readonly number[]): number {
  if (values.length !== others.length) throw new RangeError("the two are not pairs");
  return median(values.map((value, index) => value / (others[index] ?? Number.NaN)));
}
