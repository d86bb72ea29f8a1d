import { nixConfLines } from "../../src/nix/conf-lines.ts";
import { unknownSigners } from "./ask-cache.ts";
import type { Deployed } from "./deployer.ts";
import type { CacheInBucket } from "./look-at-cache.ts";
import type { InitPlan } from "./write-plan.ts";

interface Closing {
  readonly plan: InitPlan;
  /** The published keys. */
  readonly keys: readonly string[];
  readonly cache: CacheInBucket;
  readonly deployed: Deployed;
  readonly isPrivate: boolean;
  readonly target: "cloudflare" | "local" | "nothing";
}

/** Returns the last lines: what is left to do, what the team needs, and where the secrets lie. */
export function closingLines(closing: Closing): string {
  const { plan, keys, deployed, target, isPrivate } = closing;
  const { files } = plan;
  const url = deployed.url ?? "https://ADDRESS-OF-THE-CACHE";
  const copies = target === "cloudflare" ? ", and at Cloudflare" : "";
  return [
    ...runAgain(closing),
    ...signFirst(closing, url),
    "Everyone who pulls puts these lines into /etc/nix/nix.conf:",
    "",
    ...nixConfLines({ url, publicKeys: keys }).map((line) => `  ${line}`),
    "",
    ...(isPrivate
      ? ["The cache is private: each reader also needs a token (README, Pull from it).", ""]
      : []),
    "CI pushes with this command, and the push token in the variable NARGATE_TOKEN:",
    "",
    `  ./nargate push --to ${url} ./result`,
    "",
    "The secrets lie in these files, which only you can read:",
    "",
    `  ${files.pushToken}`,
    "    the token for CI",
    `  ${files.adminToken}`,
    "    the administrator's token",
    `  ${files.secrets}`,
    `    the application key, the signing key and the hashes of the tokens${copies}`,
    `  ${files.bucket}`,
    "    the bucket and its key, for nargate fsck and npm run canary",
    ...(plan.secrets.publicKey === undefined
      ? []
      : [`  ${files.signingKey}`, "    the signing key alone, for nargate sign"]),
    `  ${files.tokenList}`,
    "    the list of tokens, for nargate token create and revoke",
    "",
    'To list and search what is in the cache, set CATALOG = "on" in wrangler.toml and',
    'deploy. Some days later, COLLECT = "on" removes what nobody needs any more. Read',
    "docs/configuration.md (CATALOG, Retention) first.",
    "",
    ...lastWords(closing),
  ].join("\n");
}

/** A client remembers an unsigned path for 30 days, so signing comes before pulling. */
function signFirst({ plan, keys, cache }: Closing, url: string): readonly string[] {
  const { files, secrets } = plan;
  const { unsigned, keyNames } = cache.sample;
  const unknown = unknownSigners(keyNames, keys);
  const key = secrets.publicKey === undefined ? "YOUR-KEY" : files.signingKey;
  return [
    ...(unsigned === 0
      ? []
      : [
          "Paths in the bucket have no signature. Sign them before anyone pulls (README, Move",
          "from s3://):",
          "",
          `  . ${files.bucket}`,
          `  ./nargate fsck --to ${url}`,
          `  ./nargate sign --unsigned --prove --to ${url} \\`,
          `    --key-file ${key} --token-file ${files.adminToken}`,
          "",
        ]),
    ...(unknown.length === 0
      ? []
      : [
          `Paths in the bucket are signed by ${unknown.join(", ")}, which clients do not trust.`,
          "Add the public key: ./nargate init --public-key KEY",
          "",
        ]),
  ];
}

/** The lines below need a cache that runs. */
function runAgain({ deployed }: Closing): readonly string[] {
  return deployed.again === undefined
    ? []
    : [
        "The worker ran on this machine, and stops now. Run it again, in a terminal of its own:",
        "",
        `  ${deployed.again}`,
        "",
      ];
}

function lastWords({ target }: Closing): readonly string[] {
  return target === "cloudflare"
    ? ["Copy them into your password manager: Cloudflare shows no stored secret."]
    : ["To change something, stop the worker and run nargate init again."];
}
