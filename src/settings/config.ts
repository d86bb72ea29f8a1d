import type { OidcTrust } from "./oidc/oidc-trust.ts";
import { parseOidcTrust } from "./oidc/parse-oidc-trust.ts";
import { parseTokens, type TokenEntry } from "./token.ts";
import {
  parsePublicKey,
  parseSecretKey,
  type PublicKey,
  type SecretKey,
} from "../nix/signature.ts";
import { err, ok, type Result } from "../result.ts";

/** Where the bucket is and how to sign for it. */
export interface BucketConfig {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Ends in "/" unless it is empty. Nothing outside it is ever touched or listed. */
  readonly prefix: string;
  readonly keyId: string;
  readonly applicationKey: string;
}

export const EDGE_ENGINES = ["workers-cache", "cache-api", "off"] as const;
export type EdgeEngine = (typeof EDGE_ENGINES)[number];

export interface ReadConfig {
  readonly bucket: BucketConfig;
  readonly storeDir: string;
  readonly priority: number;
  readonly edge: EdgeEngine;
  readonly edgeEpoch: string;
  /** Whether a read needs a token with the scope `read`. */
  readonly isPrivate: boolean;
  /** What a narinfo is answered with while the bucket is unavailable: 503, or "not here". */
  readonly bucketDown: "fail" | "miss";
  /** A line for every request, or only for those that went wrong on our side. */
  readonly logs: "requests" | "faults";
  /** Shown to people, to put into nix.conf. */
  readonly publicKeys: readonly PublicKey[];
}

export interface WriteConfig {
  readonly signingKey: SecretKey | undefined;
  /** If not empty, what is pushed must be signed by one of these. */
  readonly trustedPublicKeys: readonly PublicKey[];
  readonly onConflict: "keep" | "refuse";
}

/** A setting and what is wrong with it. Never its value, which may be a secret. */
export interface ConfigProblem {
  readonly setting: string;
  readonly problem: string;
}

export function formatProblems(problems: readonly ConfigProblem[], separator = "; "): string {
  return problems.map(({ setting, problem }) => `${setting} ${problem}`).join(separator);
}

/**
 * Reading and writing fail apart: a broken token list or signing key stops
 * uploads, and a public cache goes on serving (law 10).
 */
export interface Config {
  readonly reads: Result<ReadConfig, readonly ConfigProblem[]>;
  readonly writes: Result<WriteConfig, readonly ConfigProblem[]>;
  /** Everybody who has one; nobody where TOKENS is broken. */
  readonly tokens: readonly TokenEntry[];
  /** Whose OIDC tokens are trusted; nobody's where OIDC_TRUST is broken. */
  readonly oidcTrust: readonly OidcTrust[];
}

/** The settings that say which bucket. */
export const BUCKET_SETTINGS = [
  "B2_ENDPOINT",
  "B2_REGION",
  "B2_BUCKET",
  "B2_PREFIX",
  "B2_KEY_ID",
  "B2_APPLICATION_KEY",
] as const;

/** Every setting there is. A misspelt TRUSTED_PUBLIC_KEYS must not pass for "trust everyone". */
export const SETTINGS = [
  ...BUCKET_SETTINGS,
  "STORE_DIR",
  "PRIORITY",
  "EDGE",
  "EDGE_EPOCH",
  "READ_ACCESS",
  "BUCKET_DOWN",
  "LOG",
  "PUBLIC_KEYS",
  "TOKENS",
  "OIDC_TRUST",
  "SIGNING_KEY",
  "TRUSTED_PUBLIC_KEYS",
  "ON_CONFLICT",
] as const;
export type Setting = (typeof SETTINGS)[number];

/** Reads every setting and reports all problems at once. */
export function parseConfig(env: Readonly<Record<string, unknown>>): Config {
  const reading = createReader(env);
  const bucket: BucketConfig = {
    endpoint: reading.required("B2_ENDPOINT", parseEndpoint),
    region: reading.required("B2_REGION", pattern(/^[\w-]{1,64}$/, "is not a region")),
    bucket: reading.required(
      "B2_BUCKET",
      pattern(/^[A-Za-z0-9][\w.-]{2,62}$/, "is not a bucket name"),
    ),
    prefix: reading.optional("B2_PREFIX", "", parsePrefix),
    keyId: reading.required("B2_KEY_ID", pattern(/^[\x21-\x7e]{1,256}$/, "is not a key ID")),
    applicationKey: reading.required(
      "B2_APPLICATION_KEY",
      pattern(/^[\x21-\x7e]{1,256}$/, "is not an application key"),
    ),
  };
  reading.problems.push(...endpointProblems(bucket));
  const storeDir = reading.optional(
    "STORE_DIR",
    "/nix/store",
    pattern(/^(?:\/[\w.+-]+)+$/, "is not an absolute path without a final slash"),
  );
  const priority = reading.optional("PRIORITY", 41, parsePriority);
  const edge = reading.optional("EDGE", "workers-cache" as EdgeEngine, oneOf(EDGE_ENGINES));
  const edgeEpoch = reading.optional(
    "EDGE_EPOCH",
    "0",
    pattern(/^[\w.-]{1,64}$/, "is not a plain word"),
  );
  const readAccess = reading.optional("READ_ACCESS", "public", oneOf(["public", "token"] as const));
  const bucketDown = reading.optional("BUCKET_DOWN", "fail", oneOf(["fail", "miss"] as const));
  const logs = reading.optional("LOG", "requests", oneOf(["requests", "faults"] as const));
  const publicKeys = reading.optional("PUBLIC_KEYS", [], parsePublicKeys);

  const writing = createReader(env);
  const tokens = writing.optional("TOKENS", [], parseTokens);
  const oidcTrust = writing.optional("OIDC_TRUST", [], parseOidcTrust);
  const signingKey = writing.optional("SIGNING_KEY", undefined, parseSecretKey);
  const trustedPublicKeys = writing.optional("TRUSTED_PUBLIC_KEYS", [], parsePublicKeys);
  const onConflict = writing.optional("ON_CONFLICT", "keep", oneOf(["keep", "refuse"] as const));
  for (const name of Object.keys(env)) {
    // An object is a binding of wrangler.toml, such as a bucket of another service.
    const isPlain = typeof env[name] !== "object" || Array.isArray(env[name]);
    if (isPlain && !SETTINGS.some((setting) => setting === name)) {
      writing.problems.push({ setting: name, problem: "is not a setting of this gateway" });
    }
  }

  const isPrivate = readAccess === "token";
  const readProblems = [...reading.problems];
  if (isPrivate && tokens.length === 0 && oidcTrust.length === 0) {
    const broken = writing.problems.filter(
      ({ setting }) => setting === "TOKENS" || setting === "OIDC_TRUST",
    );
    const lacking = {
      setting: "TOKENS",
      problem: "or OIDC_TRUST is needed where READ_ACCESS is token",
    };
    readProblems.push(...(broken.length > 0 ? broken : [lacking]));
  }
  return {
    tokens,
    oidcTrust,
    reads:
      readProblems.length > 0
        ? err(readProblems)
        : ok({
            bucket,
            storeDir,
            priority,
            edge,
            edgeEpoch,
            isPrivate,
            bucketDown,
            logs,
            publicKeys,
          }),
    writes:
      writing.problems.length > 0
        ? err(writing.problems)
        : ok({ signingKey, trustedPublicKeys, onConflict }),
  };
}

type Parser<T> = (text: string) => Result<T>;

function createReader(env: Readonly<Record<string, unknown>>) {
  const problems: ConfigProblem[] = [];
  function parse<T>(setting: Setting, text: string, parser: Parser<T>): T | undefined {
    const result = parser(text.trim());
    if (result.ok) return result.value;
    problems.push({ setting, problem: result.error });
    return undefined;
  }
  function textOf(setting: Setting): string {
    const value = env[setting];
    if (value === undefined || typeof value === "string") return value?.trim() ?? "";
    // A list or a number of wrangler.toml, which would pass for absent.
    problems.push({ setting, problem: "is not text: put it in quotes" });
    return "";
  }
  return {
    problems,
    /** An empty setting is an absent one: a deploy form leaves both. */
    optional<T>(setting: Setting, fallback: T, parser: Parser<T>): T {
      const text = textOf(setting);
      return text === "" ? fallback : (parse(setting, text, parser) ?? fallback);
    },
    required(setting: Setting, parser: Parser<string>): string {
      const before = problems.length;
      const text = textOf(setting);
      if (problems.length > before) return "";
      if (text !== "") return parse(setting, text, parser) ?? "";
      problems.push({ setting, problem: "is not set" });
      return "";
    },
  };
}

function pattern(expression: RegExp, problem: string): Parser<string> {
  return (text) => (expression.test(text) ? ok(text) : err(problem));
}

function oneOf<T extends string>(choices: readonly T[]): Parser<T> {
  return (text) => {
    const choice = choices.find((candidate) => candidate === text);
    return choice === undefined ? err(`is not one of ${choices.join(", ")}`) : ok(choice);
  };
}

/** Plain HTTP only to this machine: credentials are signed, but NARs would be readable on the way. */
function parseEndpoint(text: string): Result<string> {
  if (!URL.canParse(text)) return err("is not a URL");
  const url = new URL(text);
  const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLocal)) {
    return err("is not an https URL");
  }
  if (url.pathname !== "/" || url.search !== "" || url.username !== "") {
    return err(
      "holds more than scheme and host: the bucket and the prefix have settings of their own",
    );
  }
  return ok(url.origin);
}

/** Endpoints that would be asked for the wrong keys, or in the wrong region. */
function endpointProblems({ endpoint, region, bucket }: BucketConfig): ConfigProblem[] {
  if (endpoint === "" || bucket === "") return [];
  const { hostname } = new URL(endpoint);
  if (hostname.startsWith(`${bucket.toLowerCase()}.`)) {
    return [
      {
        setting: "B2_ENDPOINT",
        problem: "holds the bucket's name, which has a setting of its own",
      },
    ];
  }
  const b2Region = /^s3\.([\w-]+)\.backblazeb2\.com$/.exec(hostname)?.[1];
  return b2Region === undefined || region === "" || b2Region === region
    ? []
    : [{ setting: "B2_REGION", problem: "is not the region of B2_ENDPOINT" }];
}

function parsePrefix(text: string): Result<string> {
  const segments = text.replace(/\/$/, "").split("/");
  if (segments.some((segment) => !/^[\w.+=@-]+$/.test(segment) || /^\.{1,2}$/.test(segment))) {
    return err("is not a path like nix/cache/ of letters, digits and ._+=@-");
  }
  return ok(`${segments.join("/")}/`);
}

function parsePriority(text: string): Result<number> {
  return /^\d{1,6}$/.test(text) ? ok(Number(text)) : err("is not a whole number");
}

function parsePublicKeys(text: string): Result<readonly PublicKey[]> {
  const keys: PublicKey[] = [];
  for (const [index, word] of text.split(/\s+/).entries()) {
    const key = parsePublicKey(word);
    if (!key.ok) return err(`key ${index + 1} ${key.error}`);
    keys.push(key.value);
  }
  return ok(keys);
}
