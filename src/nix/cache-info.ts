import { err, ok, type Result } from "../result.ts";

/** The priority of cache.nixos.org. Clients ask caches in ascending order of priority. */
export const UPSTREAM_PRIORITY = 40;

/** The contents of `nix-cache-info`. */
export interface CacheInfo {
  /** Clients with another store directory refuse the cache; without one any may use it. */
  readonly storeDir: string | undefined;
  /** Whether clients may ask for paths by the thousand, as `nix-env -qas` does. */
  readonly wantMassQuery: boolean;
  /** Lower is asked first. Without one clients take 0, before cache.nixos.org's 40. */
  readonly priority: number | undefined;
}

/**
 * Reads the lines that `BinaryCacheStore::init` reads, and passes over others
 * as it does. Repeated fields are refused, and so is a Priority that is not
 * wholly a number, of which Nix would read the beginning or throw.
 */
export function parseCacheInfo(text: string): Result<CacheInfo> {
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === -1) continue;
    const name = line.slice(0, colon);
    if (!["StoreDir", "WantMassQuery", "Priority"].includes(name)) continue;
    if (fields.has(name)) return err(`${name} is given twice`);
    fields.set(name, line.slice(colon + 1).trim());
  }
  const priority = fields.get("Priority");
  if (priority !== undefined && !/^-?\d{1,9}$/.test(priority)) {
    return err("Priority is not a whole number");
  }
  return ok({
    storeDir: fields.get("StoreDir"),
    wantMassQuery: fields.get("WantMassQuery") === "1",
    priority: priority === undefined ? undefined : Number(priority),
  });
}

export function formatCacheInfo({ storeDir, wantMassQuery, priority }: CacheInfo): string {
  return [
    storeDir === undefined ? "" : `StoreDir: ${storeDir}\n`,
    `WantMassQuery: ${wantMassQuery ? 1 : 0}\n`,
    priority === undefined ? "" : `Priority: ${priority}\n`,
  ].join("");
}
