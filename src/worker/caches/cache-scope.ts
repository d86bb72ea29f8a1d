import type { Result } from "../../result.ts";
import { bucketIdentity } from "../../settings/bucket-settings.ts";
import type { CatalogSettings } from "../../settings/catalog-settings.ts";
import type { OidcTrust } from "../../settings/oidc/oidc-trust.ts";
import type { PushSettings } from "../../settings/push-settings.ts";
import type { ReadSettings } from "../../settings/read-settings.ts";
import type { SettingProblem } from "../../settings/setting-reader.ts";
import type { Settings } from "../../settings/settings.ts";
import type { TokenEntry } from "../../settings/token-entries.ts";
import { createEdgeKeys, type EdgeKeys } from "../edge/edge-key.ts";

/** The half of a cache that serves: its bucket and prefix, its store directory, its edge keys. */
export interface CacheReads extends ReadSettings {
  /** Names the bucket and the prefix, for memory that an isolate keeps of each. */
  readonly bucketId: string;
  readonly edgeKeys: EdgeKeys;
}

/**
 * One cache of this deployment: where its objects are, which keys sign them, and
 * who may do what. Each request is resolved to one scope, and nothing past that
 * asks which cache it works for.
 *
 * Reading and pushing fail apart (law 10), so each half has its own problems.
 */
export interface CacheScope {
  readonly reads: Result<CacheReads, readonly SettingProblem[]>;
  readonly pushes: Result<PushSettings, readonly SettingProblem[]>;
  readonly tokens: readonly TokenEntry[];
  readonly oidcTrust: readonly OidcTrust[];
  readonly catalog: CatalogSettings;
}

/** The caches of this deployment. Only this resolver knows how many there are. */
export interface Caches {
  /** Finds the cache that a client's request is for. */
  find(request: Request): CacheScope;
  /** Finds the cache that gave `url` to the edge. `undefined` for an edge URL of an earlier deployment. */
  findByEdgeUrl(url: string): CacheReads | undefined;
  /** Finds the cache whose catalog has this name. `undefined` for a cache of an earlier deployment. */
  findByCatalogName(name: string): CacheScope | undefined;
}

/** A deployment of one cache, which answers for every host and path. */
export function createCaches(settings: Settings): Caches {
  const scope = createCacheScope(settings);
  return {
    find: () => scope,
    findByEdgeUrl: (url) =>
      scope.reads.ok && scope.reads.value.edgeKeys.parse(url).ok ? scope.reads.value : undefined,
    findByCatalogName: (name) =>
      scope.reads.ok && scope.reads.value.bucketId === name ? scope : undefined,
  };
}

function createCacheScope({ reads, pushes, tokens, oidcTrust, catalog }: Settings): CacheScope {
  return {
    reads: reads.ok ? { ok: true, value: createCacheReads(reads.value) } : reads,
    pushes,
    tokens,
    oidcTrust,
    catalog,
  };
}

export function createCacheReads(settings: ReadSettings): CacheReads {
  return {
    ...settings,
    bucketId: JSON.stringify(bucketIdentity(settings.bucket)),
    edgeKeys: createEdgeKeys(settings),
  };
}
