const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Whether a URL names this machine. */
export function isLoopbackUrl({ hostname }: URL): boolean {
  return LOOPBACK.has(hostname);
}

/** Whether others on the way cannot read a request to `url`: HTTPS, or plain HTTP to this machine. */
export function isSecureUrl(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackUrl(url));
}

/** Returns the URL if it is secure (see `isSecureUrl`) and holds neither credentials nor a fragment. */
export function parseSecureUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  return isSecureUrl(url) ? url : undefined;
}
