import type { CacheScope } from "../caches/cache-scope.ts";
import { type CatalogPort, CATALOG_METHODS, type CatalogNamespace } from "./catalog.ts";

/**
 * Returns the catalog of a cache. `undefined` if CATALOG is off, or if the worker was
 * deployed without its object; `/healthz` says so.
 */
export function openCatalog(
  { reads, catalog }: CacheScope,
  objects: CatalogNamespace | undefined,
): CatalogPort | undefined {
  if (!catalog.isOn || !reads.ok || objects === undefined) return undefined;
  const { bucket, bucketId } = reads.value;
  // The first call decides for ever where the object lives.
  const locationHint = locationOf(bucket.region);
  const object = objects.getByName(bucketId, locationHint === undefined ? {} : { locationHint });
  const methods = CATALOG_METHODS.map((method) => [
    method,
    async (...args: readonly unknown[]) => await object.call(method, args),
  ]);
  return Object.fromEntries(methods) as unknown as CatalogPort;
}

/** Returns Cloudflare's name of the place that is near a region of B2. */
function locationOf(region: string): string | undefined {
  return LOCATIONS.find(([start]) => region.startsWith(start))?.[1];
}

// developers.cloudflare.com/durable-objects/reference/data-location
const LOCATIONS = [
  ["us-west", "wnam"],
  ["us-east", "enam"],
  ["ca-east", "enam"],
  ["eu-", "weur"],
] as const;
