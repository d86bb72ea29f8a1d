const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "localhost", "[::1]"]);

/** Whether others on the way cannot read a request to `url`: HTTPS, or plain HTTP to this machine. */
export function isSecureUrl({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && LOOPBACK.has(hostname));
}

/** Returns the URL if it is secure (see `isSecureUrl`) and holds neither credentials nor a fragment. */
export function parseSecureUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || url.hash !== "") return undefined;
  return isSecureUrl(url) ? url : undefined;
}
