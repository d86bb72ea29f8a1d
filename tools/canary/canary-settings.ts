import { BUCKET_SETTINGS, type BucketLocation } from "../../src/settings/bucket-settings.ts";
import type { SettingProblem } from "../../src/settings/setting-reader.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import { err, ok, type Result } from "../../src/result.ts";

/**
 * Returns the bucket of the environment, or `undefined` if none of its settings is
 * set. If only some of them are set, returns a problem for each missing setting.
 * B2_PREFIX may be empty but must be set, because the canary writes below it.
 */
export function readBucketSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Result<BucketLocation | undefined, readonly SettingProblem[]> {
  const missing = BUCKET_SETTINGS.filter((name) => environment[name] === undefined);
  if (missing.length === BUCKET_SETTINGS.length) return ok(undefined);
  if (missing.length > 0) {
    return err(missing.map((setting) => ({ setting, problem: "is not set" })));
  }
  const settings = Object.fromEntries(BUCKET_SETTINGS.map((name) => [name, environment[name]]));
  const { reads } = parseSettings(settings);
  return reads.ok ? ok(reads.value.bucket) : reads;
}
