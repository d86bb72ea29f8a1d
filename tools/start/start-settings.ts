import { createHash } from "node:crypto";
import { BUCKET_SETTINGS } from "../../src/settings/bucket-settings.ts";
import type { SettingProblem } from "../../src/settings/setting-reader.ts";
import { parseSettings, SETTINGS } from "../../src/settings/settings.ts";
import { err, ok, type Result } from "../../src/result.ts";
import { DEV_TOKEN } from "./local-state.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns whether the environment sets at least one of the bucket's settings. */
export function namesBucket(environment: Environment): boolean {
  return BUCKET_SETTINGS.some((name) => environment[name] !== undefined);
}

/**
 * Returns the worker's settings for the bucket that the environment names. The
 * environment must set all settings of the bucket and TOKENS; B2_PREFIX may be
 * empty. Missing settings are an error, because mixing them with those of the
 * embedded bucket would be dangerous.
 */
export function settingsFromEnvironment(
  environment: Environment,
): Result<Record<string, string>, readonly SettingProblem[]> {
  const missing = [...BUCKET_SETTINGS, "TOKENS" as const].filter(
    (name) => environment[name] === undefined,
  );
  if (missing.length > 0) {
    return err(missing.map((setting) => ({ setting, problem: "is not set" })));
  }
  const settings: Record<string, string> = { EDGE: "cache-api", LOG: "faults" };
  for (const name of SETTINGS) {
    const value = environment[name];
    if (value !== undefined) settings[name] = value;
  }
  return validated(settings);
}

/**
 * Returns the worker's settings for the embedded bucket. The push token is public,
 * which is safe because the gateway listens on this machine only.
 */
export function settingsForLocalBucket(
  bucket: Readonly<Record<(typeof BUCKET_SETTINGS)[number], string>>,
  signingKey: string,
): Result<Record<string, string>, readonly SettingProblem[]> {
  const sha256 = createHash("sha256").update(DEV_TOKEN).digest("hex");
  return validated({
    ...bucket,
    EDGE: "cache-api",
    LOG: "faults",
    SIGNING_KEY: signingKey,
    TOKENS: JSON.stringify([{ name: "dev", sha256, scopes: ["admin"] }]),
  });
}

function validated(settings: Record<string, string>) {
  const { reads, pushes } = parseSettings(settings);
  const problems = [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)];
  return problems.length === 0 ? ok(settings) : err(problems);
}
