import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { cacheReads, type Exchange } from "../exchange.ts";
import { publishedKeys } from "./read-facts.ts";

const SOURCE = "https://github.com/nargate/nargate";

/** GET `/`: tells people that this is a Nix cache, and shows the lines for nix.conf. */
export function readPage(exchange: Exchange): Response {
  const { cache, request } = exchange;
  const { isPrivate } = cacheReads(exchange);
  const keys = publishedKeys(cache);
  const lines = [
    "This is a Nix binary cache, served by Nargate.",
    "",
    isPrivate
      ? "Reading needs a token, as the password for this host in the netrc file of the Nix daemon."
      : "Anyone may read it. To use it, add to nix.conf:",
    "",
    `    extra-substituters = ${originOf(request.url)}`,
    ...(keys.length > 0 ? [`    extra-trusted-public-keys = ${keys.join(" ")}`] : []),
    "    fallback = true",
    "",
    ...(keys.length > 0 ? [] : ["Its operator has not said which public key signs it.", ""]),
    `Source and manual: ${SOURCE}`,
    "",
  ];
  return new Response(request.method === "HEAD" ? null : lines.join("\n"), {
    headers: answerHeaders("text/plain; charset=utf-8", CACHE_CONTROL.never),
  });
}

/** Returns the address of the cache as the client named it. A client can send a Host that is no host. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "https://<the address of this cache>";
}
