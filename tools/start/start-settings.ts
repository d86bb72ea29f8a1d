import { createHash } from "node:crypto";
import { BUCKET_SETTINGS } from "../../src/settings/bucket-settings.ts";
import type { SettingProblem } from "../../src/settings/setting-reader.ts";
import { parseSettings, SETTINGS } from "../../src/settings/settings.ts";
import { err, ok, type Result } from "../../src/result.ts";
import type { LocalState } from "./local-state.ts";

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
  settings["HOSTS"] = withLocalHosts(environment["HOSTS"]);
  return validated(settings);
}

/**
 * Returns the worker's settings for a deployment, with what this machine changes: the
 * engine that runs here, and the host names of this machine.
 */
export function settingsFromFiles(
  vars: Readonly<Record<string, unknown>>,
  secrets: Readonly<Record<string, string>>,
  hosts: string | undefined,
): Result<Record<string, string>, readonly SettingProblem[]> {
  const own: Record<string, unknown> = { ...vars, ...secrets };
  const names = [own["HOSTS"], hosts].filter((text) => text !== undefined).join(" ");
  return validated({
    ...own,
    EDGE: own["EDGE"] === "off" ? "off" : "cache-api",
    LOG: "faults",
    HOSTS: withLocalHosts(names),
  });
}

/** The names of this machine. Requests under other names may come from a page of another site. */
const LOCAL_HOSTS = "127.0.0.1 localhost [::1]";

/** The settings that someone may want to try on the embedded bucket. The environment may set them. */
const TRIED = [
  "PROVE",
  "ABSENT",
  "CATALOG",
  "COLLECT",
  "KEEP_DAYS",
  "KEEP_SINCE",
  "KEEP_NEWEST",
  "KEEP_GIGABYTES",
] as const;

/**
 * Returns the worker's settings for the embedded bucket. Of the environment it takes the
 * further names to answer to (HOSTS), and the settings in `TRIED`.
 */
export function settingsForLocalBucket(
  bucket: Readonly<Record<(typeof BUCKET_SETTINGS)[number], string>>,
  { signingKey, tokens }: Pick<LocalState, "signingKey" | "tokens">,
  environment: Environment,
): Result<Record<string, string>, readonly SettingProblem[]> {
  const tried = TRIED.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  const entries = (["push", "admin"] as const).map((scope) => ({
    name: `dev-${scope}`,
    sha256: createHash("sha256").update(tokens[scope]).digest("hex"),
    scopes: [scope],
  }));
  return validated({
    ...bucket,
    EDGE: "cache-api",
    LOG: "faults",
    SIGNING_KEY: signingKey,
    TOKENS: JSON.stringify(entries),
    HOSTS: withLocalHosts(environment["HOSTS"]),
    ...Object.fromEntries(tried),
  });
}

function withLocalHosts(hosts = ""): string {
  return `${LOCAL_HOSTS} ${hosts}`.trim();
}

function validated(
  settings: Readonly<Record<string, unknown>>,
): Result<Record<string, string>, readonly SettingProblem[]> {
  const { reads, pushes } = parseSettings(settings);
  const problems = [...(reads.ok ? [] : reads.error), ...(pushes.ok ? [] : pushes.error)];
  // A setting that is no text is one of the problems.
  return problems.length === 0 ? ok(settings as Record<string, string>) : err(problems);
}
