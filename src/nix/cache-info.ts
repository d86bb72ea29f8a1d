import { err, ok, type Result } from "../result.ts";

/** The priority of cache.nixos.org. Clients ask caches in ascending order of priority. */
export const UPSTREAM_PRIORITY = 40;

/** The contents of `nix-cache-info`. */
export interface CacheInfo {
  /** Clients with another store directory refuse the cache. `undefined` allows every client. */
  readonly storeDir: string | undefined;
  /** Whether clients may ask for paths by the thousand, as `nix-env -qas` does. */
  readonly wantMassQuery: boolean;
  /**
   * Clients ask caches with a lower number first. `undefined` means 0 to them, so
   * they ask this cache before cache.nixos.org.
   */
  readonly priority: number | undefined;
}

/**
 * Parses the text of `nix-cache-info`, one `Name: value` a line. Like
 * `BinaryCacheStore::init` (libstore/binary-cache-store.cc), it skips lines
 * with an unknown name.
 *
 * Refuses a repeated field. Refuses a Priority such as `40x`: Nix would read
 * the digits at its beginning, or throw.
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

/** Returns the text of `nix-cache-info`. Fields that are `undefined` get no line. */
export function formatCacheInfo({ storeDir, wantMassQuery, priority }: CacheInfo): string {
  return [
    storeDir === undefined ? "" : `StoreDir: ${storeDir}\n`,
    `WantMassQuery: ${wantMassQuery ? 1 : 0}\n`,
    priority === undefined ? "" : `Priority: ${priority}\n`,
  ].join("");
}
