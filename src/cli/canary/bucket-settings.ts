import { type BucketConfig, type ConfigProblem, parseConfig } from "../../config.ts";
import { err, ok, type Result } from "../../result.ts";

const NAMES = [
  "B2_ENDPOINT",
  "B2_REGION",
  "B2_BUCKET",
  "B2_PREFIX",
  "B2_KEY_ID",
  "B2_APPLICATION_KEY",
] as const;

/**
 * The bucket that the environment names; `undefined` if it names none. Half of
 * one is an error. B2_PREFIX may be empty, but it must be there: what is
 * written goes below it.
 */
export function readBucketSettings(
  environment: Readonly<Record<string, string | undefined>>,
): Result<BucketConfig | undefined, readonly ConfigProblem[]> {
  const missing = NAMES.filter((name) => environment[name] === undefined);
  if (missing.length === NAMES.length) return ok(undefined);
  if (missing.length > 0) {
    return err(missing.map((setting) => ({ setting, problem: "is not set" })));
  }
  const settings = Object.fromEntries(NAMES.map((name) => [name, environment[name]]));
  const { reads } = parseConfig(settings);
  return reads.ok ? ok(reads.value.bucket) : reads;
}
