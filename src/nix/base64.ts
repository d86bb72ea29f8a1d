import { err, ok, type Result } from "../result.ts";

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

/**
 * Only the canonical form, as Nix writes it: standard alphabet, padded, no
 * line breaks. Nix reads more than that, but then one value has many texts,
 * and two narinfos that say the same would differ.
 */
export function parseBase64(text: string): Result<Uint8Array<ArrayBuffer>> {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return err("not base64");
  const binary = atob(text);
  if (btoa(binary) !== text) return err("not canonical base64");
  return ok(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
