import { parseArgs } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";

export const USAGE = `Usage: ./nargate init [flags]

  Sets up a cache: asks for the bucket and checks it, makes a signing key and two
  tokens, writes the settings into wrangler.toml and the secrets into a file
  outside the repository, deploys, and checks the result with nargate doctor.
  Run it again to continue or to change something: it keeps what is there.

  The bucket (or the setting of the same name in the environment):
  --endpoint URL       B2_ENDPOINT: such as https://s3.us-west-004.backblazeb2.com
  --region NAME        B2_REGION: not needed with B2
  --bucket NAME        B2_BUCKET
  --prefix PREFIX      B2_PREFIX: the folder of the cache, such as nix/cache/,
                       or "" for the whole bucket
  --key-id ID          B2_KEY_ID: the ID of the application key
  --application-key-file FILE
                       the application key; - is standard input (or the value of
                       B2_APPLICATION_KEY in the environment)
  --existing yes|no    whether the bucket holds a Nix cache already

  The cache:
  --host NAME          a domain name of your own, on a zone of your Cloudflare
                       account (default: a name on workers.dev)
  --signing-key new|none|FILE
                       the key of the gateway (default: new, at the first run);
                       none: everyone who pushes signs
  --public-key KEY     a further key that signed paths of this cache; may be
                       repeated
  --push-token NAME    the name of the token for CI (default: ci)
  --admin-token NAME   the name of the administrator's token (default: admin)
  --expires WHEN       the last day of both: YYYY-MM-DD, a number of days, or
                       never (default: 365d)

  The run:
  --yes                ask nothing; without a terminal this is the default
  --dry-run            show what would be written, and write and deploy nothing
  --local              a trial: run the worker on this machine instead of
                       deploying. Keeps its files in .nargate/local, unless
                       --config or the other files are given. PORT in the
                       environment is the port (default: 8787)
  --no-deploy          write the files, and do not deploy
  --replace-secrets    replace secrets that are stored already
  --accept-problems    continue although a check of the bucket failed
  --config FILE        (default: wrangler.toml of this repository)
  --secrets-file FILE  (default: nargate/<name>/secrets.env in ~/.config, with the
                       name in wrangler.toml)
  --token-list FILE    the list of tokens (default: that of nargate token)

  Exit code 0: the cache works. 1: a step failed. 2: wrong use. 130: Ctrl-C.
`;

export interface InitFlags {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  readonly bucket: string | undefined;
  readonly prefix: string | undefined;
  readonly keyId: string | undefined;
  readonly applicationKeyFile: string | undefined;
  readonly existing: "yes" | "no" | undefined;
  readonly host: string | undefined;
  /** `new`, `none` or a file. */
  readonly signingKey: string | undefined;
  readonly publicKeys: readonly string[];
  /** Undefined if not given; the names are then `ci` and `admin`. */
  readonly pushToken: string | undefined;
  readonly adminToken: string | undefined;
  /** A day, a number of days, or `never`. Undefined if not given. */
  readonly expires: string | undefined;
  readonly yes: boolean;
  readonly dryRun: boolean;
  readonly target: "cloudflare" | "local" | "nothing";
  readonly replaceSecrets: boolean;
  readonly acceptProblems: boolean;
  readonly config: string | undefined;
  readonly secretsFile: string | undefined;
  readonly tokenList: string | undefined;
}

const OPTIONS = {
  endpoint: { type: "string" },
  region: { type: "string" },
  bucket: { type: "string" },
  prefix: { type: "string" },
  "key-id": { type: "string" },
  "application-key-file": { type: "string" },
  existing: { type: "string" },
  host: { type: "string" },
  "signing-key": { type: "string" },
  "public-key": { type: "string", multiple: true },
  "push-token": { type: "string" },
  "admin-token": { type: "string" },
  expires: { type: "string" },
  yes: { type: "boolean", default: false },
  "dry-run": { type: "boolean", default: false },
  local: { type: "boolean", default: false },
  "no-deploy": { type: "boolean", default: false },
  "replace-secrets": { type: "boolean", default: false },
  "accept-problems": { type: "boolean", default: false },
  config: { type: "string" },
  "secrets-file": { type: "string" },
  "token-list": { type: "string" },
  help: { type: "boolean", short: "h", default: false },
} as const;

/** Parses the arguments. Returns "help" if they ask for it. Throws for unknown or wrong ones. */
export function parseInitFlags(args: readonly string[]): InitFlags | "help" {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  if (values.help) return "help";
  const { existing, host } = values;
  if (existing !== undefined && existing !== "yes" && existing !== "no") {
    throw new UsageError("--existing must be yes or no");
  }
  if (values.local && values["no-deploy"]) {
    throw new UsageError("--local and --no-deploy exclude each other");
  }
  if (host !== undefined && !isHostName(host)) {
    throw new UsageError("--host must be a domain name, such as cache.example.org");
  }
  if (values["application-key-file"] === "-" && values["signing-key"] === "-") {
    throw new UsageError(
      "only one of --application-key-file and --signing-key can be standard input",
    );
  }
  if ((values["push-token"] ?? "ci") === (values["admin-token"] ?? "admin")) {
    throw new UsageError("--push-token and --admin-token need different names");
  }
  const { endpoint, region, bucket, prefix, config } = values;
  return {
    endpoint,
    region,
    bucket,
    prefix,
    config,
    existing,
    host,
    keyId: values["key-id"],
    applicationKeyFile: values["application-key-file"],
    signingKey: values["signing-key"],
    publicKeys: values["public-key"] ?? [],
    pushToken: values["push-token"],
    adminToken: values["admin-token"],
    expires: values.expires,
    yes: values.yes,
    dryRun: values["dry-run"],
    target: values.local ? "local" : values["no-deploy"] ? "nothing" : "cloudflare",
    replaceSecrets: values["replace-secrets"],
    acceptProblems: values["accept-problems"],
    secretsFile: values["secrets-file"],
    tokenList: values["token-list"],
  };
}

/** Whether the text is a host name with a dot, without a scheme and a port. */
export function isHostName(text: string): boolean {
  return /^(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i.test(text);
}
