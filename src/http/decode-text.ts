const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/**
 * Stored bytes as text, a byte order mark included: Nix does not skip one, so a
 * file that begins with it is as broken for us as it is for Nix.
 */
export function decodeText(bytes: ArrayBuffer): string {
  return decoder.decode(bytes);
}
