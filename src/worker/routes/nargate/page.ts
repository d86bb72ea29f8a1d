import { VERSION } from "../../../api/endpoints.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { answerHeaders } from "../../../http/response-headers.ts";
import { cacheReads, type Exchange } from "../exchange.ts";
import { nixConfLines } from "../../../nix/conf-lines.ts";
import { formatPage, type PageFacts, pagePolicy } from "./page-html.ts";
import { publishedKeys } from "./read-facts.ts";

const SOURCE = "https://github.com/nargate/nargate";

/**
 * GET `/`: tells people that this is a Nix cache, and shows the lines for nix.conf. A
 * browser gets a page, everything else gets text.
 */
export function readPage(exchange: Exchange): Response {
  const { cache, request } = exchange;
  const facts: PageFacts = {
    url: originOf(request.url),
    isPrivate: cacheReads(exchange).isPrivate,
    publicKeys: publishedKeys(cache),
    version: VERSION,
    source: SOURCE,
  };
  const isForBrowser = /\btext\/html\b/.test(request.headers.get("accept") ?? "");
  const body = isForBrowser ? formatPage(facts) : formatText(facts);
  return new Response(request.method === "HEAD" ? null : body, {
    headers: {
      ...answerHeaders(
        `text/${isForBrowser ? "html" : "plain"}; charset=utf-8`,
        CACHE_CONTROL.never,
      ),
      vary: "accept",
      ...(isForBrowser ? { "content-security-policy": pagePolicy() } : {}),
    },
  });
}

function formatText(facts: PageFacts): string {
  const { isPrivate, publicKeys, source } = facts;
  return [
    "This is a Nix binary cache, served by Nargate.",
    "",
    isPrivate
      ? "Reading needs a token, as the password for this host in the netrc file of the Nix daemon."
      : "Anyone may read it. To use it, add to nix.conf:",
    "",
    ...nixConfLines(facts).map((line) => `    ${line}`),
    "",
    ...(publicKeys.length > 0 ? [] : ["Its operator has not said which public key signs it.", ""]),
    `Source and manual: ${source}`,
    "",
  ].join("\n");
}

/** Returns the address of the cache as the client named it. A client can send a Host that is no host. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "https://<the address of this cache>";
}
