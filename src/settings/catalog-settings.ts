import { oneOf, type SettingReader } from "./setting-reader.ts";

/** The settings of the catalog, which knows what is in the cache. */
export interface CatalogSettings {
  /** Whether the gateway keeps a catalog of the bucket. */
  readonly isOn: boolean;
}

export const CATALOG_SETTINGS = ["CATALOG"] as const;

export function readCatalogSettings(reader: SettingReader): CatalogSettings {
  return {
    isOn: reader.optional("CATALOG", "off", oneOf(["off", "on"] as const)) === "on",
  };
}
