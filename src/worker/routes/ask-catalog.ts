import { CacheError } from "../cache-error.ts";
import { type CatalogPort, isOverLimit } from "../catalog/catalog.ts";
import { catalogOf } from "./catalog-of.ts";
import type { Exchange } from "./exchange.ts";

/** A person waits for these answers, and a large closure takes some seconds. */
const PATIENCE_MILLISECONDS = 20_000;

/**
 * Asks the catalog, within a time. Throws `catalog-off`, `catalog-over-limit`, or
 * `catalog-unavailable` for everything else that can go wrong there.
 */
export async function askCatalog<T>(
  exchange: Exchange,
  ask: (catalog: CatalogPort) => Promise<T>,
  milliseconds = PATIENCE_MILLISECONDS,
): Promise<T> {
  const catalog = openCatalog(exchange);
  if (catalog === undefined) throw new CacheError("catalog-off", "CATALOG is off");
  const { clock } = exchange.gateway;
  const late = clock.sleep(milliseconds).then(() => {
    throw new CacheError("catalog-unavailable", `no answer within ${milliseconds} ms`);
  });
  try {
    return await Promise.race([ask(catalog), late]);
  } catch (error) {
    throw asCatalogFailure(error);
  }
}

function openCatalog(exchange: Exchange): CatalogPort | undefined {
  try {
    return catalogOf(exchange);
  } catch (error) {
    throw asCatalogFailure(error);
  }
}

function asCatalogFailure(error: unknown): CacheError {
  if (error instanceof CacheError) return error;
  if (isOverLimit(error)) {
    return new CacheError("catalog-over-limit", "the plan's rows are used up", { cause: error });
  }
  return new CacheError("catalog-unavailable", "the object failed", { cause: error });
}
