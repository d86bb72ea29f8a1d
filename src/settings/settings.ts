import { err, ok, type Result } from "../result.ts";
import { BUCKET_SETTINGS } from "./bucket-settings.ts";
import { CATALOG_SETTINGS, type CatalogSettings, readCatalogSettings } from "./catalog-settings.ts";
import type { OidcTrust } from "./oidc/oidc-trust.ts";
import { parseOidcTrust } from "./oidc/parse-oidc-trust.ts";
import { PUSH_SETTINGS, type PushSettings, readPushSettings } from "./push-settings.ts";
import { READ_SETTINGS, type ReadSettings, readReadSettings } from "./read-settings.ts";
import { createSettingReader, type SettingProblem, type SettingReader } from "./setting-reader.ts";
import { parseTokens, type TokenEntry } from "./token-entries.ts";

/**
 * All settings of a gateway. Reading and pushing fail apart: a broken token list
 * or signing key stops pushes, while a public cache goes on serving (law 10).
 */
export interface Settings {
  readonly reads: Result<ReadSettings, readonly SettingProblem[]>;
  readonly pushes: Result<PushSettings, readonly SettingProblem[]>;
  /** The entries of TOKENS. Empty if TOKENS is broken. */
  readonly tokens: readonly TokenEntry[];
  /** The entries of OIDC_TRUST. Empty if OIDC_TRUST is broken. */
  readonly oidcTrust: readonly OidcTrust[];
  /** What the catalog does. It is off if CATALOG is broken, and removes nothing if any setting is. */
  readonly catalog: CatalogSettings;
}

/** Every name that may be set. An unknown name is a problem: a misspelt TRUSTED_PUBLIC_KEYS would trust everyone. */
export const SETTINGS = [
  ...BUCKET_SETTINGS,
  ...READ_SETTINGS,
  ...PUSH_SETTINGS,
  ...CATALOG_SETTINGS,
  "TOKENS",
  "OIDC_TRUST",
] as const;
export type Setting = (typeof SETTINGS)[number];

/** Reads every setting and reports all problems at once. */
export function parseSettings(env: Readonly<Record<string, unknown>>): Settings {
  const forReads = createSettingReader(env);
  const reads = readReadSettings(forReads);

  const forPushes = createSettingReader(env);
  const tokens = forPushes.optional("TOKENS", [], parseTokens);
  const oidcTrust = forPushes.optional("OIDC_TRUST", [], parseOidcTrust);
  const pushes = readPushSettings(forPushes);
  const wanted = readCatalogSettings(forPushes);
  forPushes.problems.push(...unknownSettings(env));
  // A misspelt KEEP_NEWEST, say, must not let anything be removed.
  const mayCollect = wanted.retention.isCollecting && forPushes.problems.length === 0;
  const catalog = { ...wanted, retention: { ...wanted.retention, isCollecting: mayCollect } };

  if (reads.isPrivate && tokens.length === 0 && oidcTrust.length === 0) {
    forReads.problems.push(...accessProblems(forPushes));
  }
  return {
    tokens,
    oidcTrust,
    catalog,
    reads: forReads.problems.length > 0 ? err(forReads.problems) : ok(reads),
    pushes: forPushes.problems.length > 0 ? err(forPushes.problems) : ok(pushes),
  };
}

function unknownSettings(env: Readonly<Record<string, unknown>>): readonly SettingProblem[] {
  return Object.entries(env)
    .filter(([name, value]) => {
      // An object is a binding of wrangler.toml, such as a bucket of another service.
      const isPlain = typeof value !== "object" || Array.isArray(value);
      return isPlain && !SETTINGS.some((setting) => setting === name);
    })
    .map(([setting]) => ({ setting, problem: "is not a setting of this gateway" }));
}

/** Explains why no token can open a private cache. */
function accessProblems({ problems }: SettingReader): readonly SettingProblem[] {
  const broken = problems.filter(({ setting }) => setting === "TOKENS" || setting === "OIDC_TRUST");
  if (broken.length > 0) return broken;
  return [
    {
      setting: "TOKENS",
      problem: "or OIDC_TRUST must be set, because READ_ACCESS is token",
    },
  ];
}
