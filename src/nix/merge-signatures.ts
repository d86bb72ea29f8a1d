/**
 * More than any path honestly has. Every client downloads and parses all of
 * them, and someone who may push could otherwise add one at a time forever.
 */
export const MAX_SIGNATURES = 32;

/**
 * The signatures of both, existing ones first: what is published stays as it
 * is, whoever pushes and however many there are. Of what comes in, one for each
 * key that has none yet. Ed25519 is deterministic, so a second signature by a
 * key over the same message is the same one or a wrong one.
 */
export function mergeSignatures(
  existing: readonly string[],
  incoming: readonly string[],
): string[] {
  const signed = new Set(existing.map(keyNameOf));
  const merged = [...existing];
  for (const signature of incoming) {
    const keyName = keyNameOf(signature);
    if (merged.length >= MAX_SIGNATURES || signed.has(keyName)) continue;
    signed.add(keyName);
    merged.push(signature);
  }
  return merged;
}

function keyNameOf(signature: string): string {
  return signature.split(":", 1)[0] ?? "";
}
