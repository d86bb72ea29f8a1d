import type { RetentionSettings } from "../../../settings/retention-settings.ts";
import type { StorePathHash } from "../../../nix/store-path.ts";
import type { CatalogContext } from "../catalog-context.ts";
import type { RetentionRules } from "./retention-rules.ts";

/** What the collection of one catalog works with. */
export interface RetentionContext extends CatalogContext {
  readonly rules: RetentionRules;
  readonly policy: RetentionSettings;
  /** Returns all paths that a pin keeps. Throws if one pin cannot be read: then nothing is removed. */
  readPins(): Promise<readonly StorePathHash[]>;
}
