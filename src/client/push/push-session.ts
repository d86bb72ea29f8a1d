import type { SecretKey } from "../../nix/signature.ts";
import { ClientError, UsageError } from "../client-error.ts";
import type { GatewayFacts } from "../../api/answers.ts";
import { type BatchApi, createBatchApi } from "../gateway/batch-api.ts";
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
import { createSigning, type Signing } from "./upload-signed.ts";

/** The cache and the store of a push, and the limits on the work between them. */
export interface PushSession {
  readonly client: CacheClient;
  readonly http: HttpClient;
  readonly api: UploadApi;
  /** `undefined` for an older gateway, which is asked for each path. */
  readonly batches: BatchApi | undefined;
  readonly signing: Signing;
  readonly options: PushOptions;
  readonly store: NixStore;
  /** The keys that the cache publishes, and those with which it signs. */
  readonly facts: GatewayFacts;
  /** A file larger than this is uploaded in parts. */
  readonly partThresholdBytes: number;
  readonly limits: PushLimits;
  readonly guard: StopGuard;
  readonly context: ProcessContext;
}

/** The options of a push, parsed and checked. */
export interface PushOptions {
  readonly cache: CacheOptions;
  /** The value of `--store`. */
  readonly storeUrl: string | undefined;
  /** Names of upstream keys. Paths with their signatures are not pushed. Empty with `--all`. */
  readonly upstreamKeys: ReadonlySet<string>;
  readonly signKey: SecretKey | undefined;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
  /** Whether to push again the paths whose NAR is missing or cut in the cache. */
  readonly isRepair: boolean;
  /** Whether to send the listings of pushed NARs too. */
  readonly withListing: boolean;
  /** Whether to send the build logs of pushed paths too. */
  readonly withLogs: boolean;
  /** Whether the command prints the report as JSON. */
  readonly isJson: boolean;
}

/**
 * Creates the clients for the cache, and checks that the cache accepts pushes with
 * this token and from this store. Throws `ClientError` or `UsageError`.
 */
export async function openPushSession(
  options: PushOptions,
  context: ProcessContext,
): Promise<PushSession> {
  const { client, firstContact, http, token } = await openCache(options.cache, context);
  if (token === undefined) {
    const { hostname } = new URL(client.url);
    throw new ClientError(
      `no token for ${hostname}: set NARGATE_TOKEN, use --token-file, or put the token into a netrc file`,
    );
  }
  const [facts] = await Promise.all([
    readGatewayFacts(firstContact),
    requirePushToken(firstContact, token.source),
  ]);
  const { uploads, storeDir, partSizeThreshold } = facts;
  if (!uploads)
    throw new ClientError(
      "this cache does not accept pushes. Ask its operator to check the settings for pushing (TOKENS, OIDC_TRUST)",
    );
  const location = findStore(options.storeUrl, context.env);
  if (storeDir !== location.storeDir) {
    throw new UsageError(
      `this cache is for the store directory ${storeDir}, but the store uses ${location.storeDir}. Use another cache, or another --store`,
    );
  }
  const api = createUploadApi(client);
  return {
    client,
    http,
    api,
    signing: createSigning(api),
    batches: createBatchApi(client, facts),
    options,
    facts,
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
    throw new ClientError(`the cache refused the token from ${source}: ${error.message}`, {
      cause: error,
    });
  }
  const { name, scopes } = token;
  if (scopes.includes("push") || scopes.includes("admin")) return;
  throw new ClientError(
    `the token ${name} from ${source} may not push: its scopes are ${scopes.join(", ") || "none"}. Use a token with the scope push`,
  );
}
