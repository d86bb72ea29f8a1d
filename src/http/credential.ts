/**
 * The token a request carries: `Authorization: Bearer <token>`, or the password
 * of `Basic`, which is all that Nix can send (from a netrc file). The user name
 * is ignored; a netrc entry without `login` sends an empty one.
 */
export function readCredential(headers: Headers): string | undefined {
  const header = headers.get("authorization") ?? "";
  const [, scheme, value] = /^(\S+) +(\S+)\s*$/.exec(header) ?? [];
  if (scheme === undefined || value === undefined) return undefined;
  if (scheme.toLowerCase() === "bearer") return value;
  return scheme.toLowerCase() === "basic" ? basicPassword(value) : undefined;
}

function basicPassword(base64: string): string | undefined {
  try {
    const userPass = new TextDecoder().decode(
      Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)),
    );
    const colon = userPass.indexOf(":");
    return colon < 0 || colon === userPass.length - 1 ? undefined : userPass.slice(colon + 1);
  } catch {
    return undefined;
  }
}
