import {
  readRetentionSettings,
  RETENTION_SETTINGS,
  type RetentionSettings,
} from "./retention-settings.ts";
import { oneOf, type SettingReader } from "./setting-reader.ts";

/** The settings of the catalog, which knows what is in the cache. */
export interface CatalogSettings {
  /** Whether the gateway keeps a catalog of the bucket. */
  readonly isOn: boolean;
  readonly retention: RetentionSettings;
}

export const CATALOG_SETTINGS = ["CATALOG", ...RETENTION_SETTINGS] as const;

export function readCatalogSettings(reader: SettingReader): CatalogSettings {
  const isOn = reader.optional("CATALOG", "off", oneOf(["off", "on"] as const)) === "on";
  return { isOn, retention: readRetentionSettings(reader, isOn) };
}
