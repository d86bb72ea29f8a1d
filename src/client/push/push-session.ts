import type { SecretKey } from "../../nix/signature.ts";
import { ClientError, UsageError } from "../client-error.ts";
import { type CacheClient, CacheRefusal } from "../gateway/cache-client.ts";
import { readGatewayFacts } from "../gateway/gateway-facts.ts";
import type { HttpClient } from "../gateway/http-client.ts";
import { type CacheOptions, openCache } from "../gateway/open-cache.ts";
import { readTokenFacts, type TokenFacts } from "../gateway/token-facts.ts";
import { findStore, type NixStore } from "../local-nix/store-location.ts";
import type { ProcessContext } from "../process-context.ts";
import type { PackCompression } from "./pack-nar.ts";
import { createPushLimits, type PushLimits } from "./push-limits.ts";
import { createStopGuard, type StopGuard } from "./stop-guard.ts";
import { createUploadApi, type UploadApi } from "./upload-api.ts";

/** One cache, one store, and what bounds the work between them. */
export interface PushSession {
  readonly client: CacheClient;
  readonly http: HttpClient;
  readonly api: UploadApi;
  readonly options: PushOptions;
  readonly store: NixStore;
  /** A file larger than this goes up in parts. */
  readonly partThresholdBytes: number;
  readonly limits: PushLimits;
  readonly guard: StopGuard;
  readonly context: ProcessContext;
}

/** What a push is told by whoever runs it, read and checked. */
export interface PushOptions {
  readonly cache: CacheOptions;
  /** As given with `--store`. */
  readonly storeUrl: string | undefined;
  /** Empty where everything is to be pushed. */
  readonly upstreamKeys: ReadonlySet<string>;
  readonly signKey: SecretKey | undefined;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
  /** Whether a JSON document is wanted at the end. */
  readonly isJson: boolean;
}

/**
 * Opens the cache and asks it whether the token may push, before anything is
 * done for it. Throws `ClientError` with one line that says what is wrong.
 */
export async function openPushSession(
  options: PushOptions,
  context: ProcessContext,
): Promise<PushSession> {
  const { client, http, token } = await openCache(options.cache, context);
  if (token === undefined) {
    const { hostname } = new URL(client.url);
    throw new ClientError(
      `no token for ${hostname}: set NARGATE_TOKEN, give --token-file, or put it into a netrc file`,
    );
  }
  const [{ uploads, storeDir, partSizeThreshold }] = await Promise.all([
    readGatewayFacts(client),
    requirePushToken(client, token.source),
  ]);
  if (!uploads) throw new ClientError("this cache takes no uploads");
  const location = findStore(options.storeUrl, context.env);
  if (storeDir !== location.storeDir) {
    throw new UsageError(
      `this cache is for paths in ${storeDir}, and the store has its own in ${location.storeDir}`,
    );
  }
  return {
    client,
    http,
    api: createUploadApi(client),
    options,
    store: { ...location, url: options.storeUrl },
    partThresholdBytes: partSizeThreshold,
    limits: createPushLimits(),
    guard: createStopGuard(),
    context,
  };
}

async function requirePushToken(client: CacheClient, source: string): Promise<void> {
  let token: TokenFacts;
  try {
    token = await readTokenFacts(client);
  } catch (error) {
    if (!(error instanceof CacheRefusal && error.status === 401)) throw error;
    throw new ClientError(`the token of ${source} was refused: ${error.message}`, { cause: error });
  }
  const { name, scopes } = token;
  if (scopes.includes("push") || scopes.includes("admin")) return;
  throw new ClientError(
    `the token ${name} of ${source} may not push: its scopes are ${scopes.join(", ") || "none"}`,
  );
}
