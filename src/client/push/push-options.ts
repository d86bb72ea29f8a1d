import type { SecretKey } from "../../nix/signature.ts";
import type { CacheOptions } from "../gateway/open-cache.ts";
import type { PackCompression } from "./pack-nar.ts";

/** What a push is told by whoever runs it, read and checked. */
export interface PushOptions {
  readonly cache: CacheOptions;
  /** As given with `--store`. */
  readonly storeUrl: string | undefined;
  /** Empty where everything is to be pushed. */
  readonly upstreamKeys: ReadonlySet<string>;
  readonly signKey: SecretKey | undefined;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
  /** Whether a JSON document is wanted at the end. */
  readonly isJson: boolean;
}
