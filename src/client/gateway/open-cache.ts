import { isLoopback } from "../../http/secure-url.ts";
import { UsageError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type CacheClient, createCacheClient } from "./cache-client.ts";
import { type FoundToken, findToken, requireSafeForTokens } from "./find-token.ts";
import { createHttpClient, type HttpClient, type HttpRetries } from "./http-client.ts";

/** The cache to use, and the source of the token for it. */
export interface CacheOptions {
  /** The value of `--to`, or the URL argument. Without it, NARGATE_URL names the cache. */
  readonly to?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** Replaces the token from files and the environment. */
  readonly tokens?: TokenSource | undefined;
}

/** A source of tokens that may expire while a command runs. */
export interface TokenSource {
  /** For messages. */
  readonly name: string;
  /** Returns a token that is still valid. The client calls this before each request. */
  current(): Promise<string>;
}

export interface OpenCache {
  readonly client: CacheClient;
  /** For the first requests: gives up after a minute if the host does not answer. */
  readonly firstContact: CacheClient;
  /** For part URLs: they lead to another host, which must not see the token. */
  readonly http: HttpClient;
  readonly token: FoundToken | undefined;
}

/** Creates the clients for a cache, and finds the token. Throws `UsageError`. */
export async function openCache(
  options: CacheOptions,
  context: ProcessContext,
  retries?: HttpRetries,
): Promise<OpenCache> {
  const url = parseCacheUrl(options.to ?? context.env["NARGATE_URL"] ?? "");
  const http = createHttpClient(context, retries);
  const { tokens } = options;
  if (tokens !== undefined) {
    requireSafeForTokens(url);
    const token = { token: await tokens.current(), source: tokens.name };
    return { ...clientsOf(url, () => tokens.current(), http, context), http, token };
  }
  const token = await findToken(url, options.tokenFile, context);
  return { ...clientsOf(url, async () => token?.token, http, context), http, token };
}

/** Three attempts of 20 s at most, with short pauses. */
const FIRST_CONTACT: HttpRetries = { attempts: 3, idleMilliseconds: 20_000 };

function clientsOf(
  url: string,
  token: () => Promise<string | undefined>,
  http: HttpClient,
  context: ProcessContext,
): Pick<OpenCache, "client" | "firstContact"> {
  return {
    client: createCacheClient(url, token, http),
    firstContact: createCacheClient(url, token, createHttpClient(context, FIRST_CONTACT)),
  };
}

/** A URL without its scheme: a name with a dot, an IPv6 address, or localhost. */
const HOST_FIRST = /^(?:[\w.-]+\.[\w-]+|\[[\d:a-f.]+\]|localhost)(?::\d+)?(?:\/|$)/i;

/**
 * Returns the URL of a cache without a final slash. Throws `UsageError` if the
 * text is not such a URL.
 */
export function parseCacheUrl(text: string): string {
  if (text === "") throw new UsageError("no cache is given: use --to URL, or set NARGATE_URL");
  if (HOST_FIRST.test(text) && URL.canParse(`https://${text}`)) {
    const scheme = isLoopback(new URL(`https://${text}`).hostname) ? "http" : "https";
    throw new UsageError(`${text} has no scheme. Did you mean ${scheme}://${text}?`);
  }
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new UsageError(
      `${text} is not an http or https URL. Give the address of the cache, such as https://cache.example.org`,
    );
  }
  const { username, password, search, hash, origin, pathname } = new URL(text);
  if (username + password + search + hash !== "") {
    throw new UsageError(
      "the URL of the cache must not contain a user, a password, a query (?) or a fragment (#)",
    );
  }
  return origin + pathname.replace(/\/+$/, "");
}
