import { UsageError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type CacheClient, createCacheClient } from "./cache-client.ts";
import { type FoundToken, findToken, requireSafeForTokens } from "./find-token.ts";
import { createHttpClient, type HttpClient, type HttpRetries } from "./http-client.ts";

/** Which cache, and as whom. */
export interface CacheOptions {
  /** `--to`, or the argument of commands that take a URL. */
  readonly to?: string | undefined;
  readonly tokenFile?: string | undefined;
  /** In place of what files and the environment hold. */
  readonly tokens?: TokenSource | undefined;
}

/** Where tokens come from that expire while a command runs. */
export interface TokenSource {
  /** For people. */
  readonly name: string;
  /** One that is still good; asked for before each request. */
  current(): Promise<string>;
}

export interface OpenCache {
  readonly client: CacheClient;
  /** For part URLs, which are at another host and take no token. */
  readonly http: HttpClient;
  readonly token: FoundToken | undefined;
}

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
    return { client: createCacheClient(url, () => tokens.current(), http), http, token };
  }
  const token = await findToken(url, options.tokenFile, context);
  return { client: createCacheClient(url, async () => token?.token, http), http, token };
}

/** Without a final slash. */
export function parseCacheUrl(text: string): string {
  if (text === "") throw new UsageError("which cache? Give --to URL, or set NARGATE_URL");
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) {
    throw new UsageError(`${text} is not an http or https URL`);
  }
  const { username, password, search, hash, origin, pathname } = new URL(text);
  if (username + password + search + hash !== "") {
    throw new UsageError("the URL holds more than the address of the cache");
  }
  return origin + pathname.replace(/\/+$/, "");
}
