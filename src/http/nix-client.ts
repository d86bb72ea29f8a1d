/** A Nix version as clients send it: `User-Agent: curl/8.9.1 Nix/2.34.8`. */
const NIX_VERSION = /\bNix\/(\d+)\.(\d+)(?:\.(\d+))?/;

/**
 * Whether this client is a Nix that resends a PUT without its body when the
 * first try failed, and then hangs for minutes: all before 2.33.2
 * (https://github.com/NixOS/nix/pull/15047). Nothing that it would retry may be
 * answered to it. Lix never retries a PUT.
 */
export function resendsEmptyBody(userAgent: string | null): boolean {
  const match = NIX_VERSION.exec(userAgent ?? "");
  if (match === null) return false;
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map((part) => Number(part ?? 0));
  if (major !== 2) return major < 2;
  return minor < 33 || (minor === 33 && patch < 2);
}
