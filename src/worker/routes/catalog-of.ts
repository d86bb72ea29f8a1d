import type { CatalogPort } from "../catalog/catalog.ts";
import type { Exchange } from "./exchange.ts";

/**
 * Returns the catalog of the cache. `undefined` if CATALOG is off. The routes that serve
 * reads may not import this file: no public read waits for the catalog (law 6).
 */
export function catalogOf({ gateway, cache, catalogs }: Exchange): CatalogPort | undefined {
  return gateway.openCatalog(cache, catalogs);
}
