const LOOPBACK_NAMES: ReadonlySet<string> = new Set(["localhost", "[::1]"]);

/** Whether a `hostname` of a URL is this machine. RFC 1122 gives it all of 127.0.0.0/8. */
export function isLoopback(hostname: string): boolean {
  return LOOPBACK_NAMES.has(hostname) || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

/** Whether others on the way cannot read a request to `url`: HTTPS, or plain HTTP to this machine. */
export function isSecureUrl({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}

/** Returns the URL if it is secure (see `isSecureUrl`) and holds neither credentials nor a fragment. */
export function parseSecureUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  return isSecureUrl(url) ? url : undefined;
}
