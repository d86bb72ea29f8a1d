/**
 * More than any path honestly has. Every client downloads and parses all of
 * them, and someone who may push could otherwise add one at a time forever.
 */
export const MAX_SIGNATURES = 32;

/**
 * The signatures of both, one for each key, existing ones first: what is
 * published stays as it is, whoever pushes. Ed25519 is deterministic, so a
 * second signature by a key over the same message is the same one or a wrong one.
 */
export function mergeSignatures(
  existing: readonly string[],
  incoming: readonly string[],
): string[] {
  const merged = new Map<string, string>();
  for (const signature of [...existing, ...incoming]) {
    const keyName = signature.split(":", 1)[0] ?? "";
    if (!merged.has(keyName)) merged.set(keyName, signature);
  }
  return [...merged.values()].slice(0, MAX_SIGNATURES);
}
