import {
  BUCKET_SETTINGS,
  type BucketLocation,
  parseBucketLocation,
} from "../../src/settings/bucket-settings.ts";
import type { SettingProblem } from "../../src/settings/setting-reader.ts";
import { ok, type Result } from "../../src/result.ts";

/**
 * Returns the bucket of the environment, or `undefined` if none of its settings is
 * set. If only some of them are set, returns a problem for each missing setting.
 */
export function readBucketSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Result<BucketLocation | undefined, readonly SettingProblem[]> {
  const isUnset = BUCKET_SETTINGS.every((name) => environment[name] === undefined);
  return isUnset ? ok(undefined) : parseBucketLocation(environment);
}
