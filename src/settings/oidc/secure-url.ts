const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

/** An https URL without credentials; plain HTTP only to this machine, where nobody listens in. */
export function parseSecureUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  const isLocal = url.protocol === "http:" && LOOPBACK.includes(url.hostname);
  return url.protocol === "https:" || isLocal ? url : undefined;
}
