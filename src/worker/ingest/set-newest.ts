/**
 * Sets an entry as the newest one, and drops the oldest if there are more than `max`. A Map
 * keeps the order in which its entries were set.
 */
export function setNewest<Value>(
  entries: Map<string, Value>,
  name: string,
  value: Value,
  max: number,
): void {
  entries.delete(name);
  entries.set(name, value);
  if (entries.size <= max) return;
  for (const oldest of entries.keys()) return void entries.delete(oldest);
}
