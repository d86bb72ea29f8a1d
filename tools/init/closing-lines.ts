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

/** Returns the last lines: what the team needs, where the secrets lie, and what is left to do. */
export function closingLines(closing: Closing): string {
  const { plan, keys, deployed, target, isPrivate } = closing;
  const { files } = plan;
  const url = deployed.url ?? "https://ADDRESS-OF-THE-CACHE";
  const [substituters = "", ...others] = nixConfLines({ url, publicKeys: keys });
  const copies = target === "cloudflare" ? ", and at Cloudflare" : "";
  return [
    "Everyone who pulls puts these lines into /etc/nix/nix.conf:",
    "",
    ...[substituters, ...others].map((line) => `  ${line}`),
    ...(isPrivate
      ? ["", "The cache is private: each reader also needs a token (README, Pull from it)."]
      : []),
    "",
    "CI pushes with this command, and the push token in the secret NARGATE_TOKEN:",
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
    `    the application key and the signing key${copies}`,
    `  ${files.tokenList}`,
    "    the list of tokens, for nargate token create and revoke",
    "",
    "Copy them into your password manager: Cloudflare shows no stored secret.",
    ...leftToDo(closing),
  ].join("\n");
}

function leftToDo({ cache, keys, deployed }: Closing): readonly string[] {
  const { unsigned, keyNames } = cache.sample;
  const unknown = unknownSigners(keyNames, keys);
  const steps = [
    ...(unsigned === 0
      ? []
      : ["Paths in the bucket have no signature. Sign them: README, Move from s3://."]),
    ...(unknown.length === 0
      ? []
      : [
          `Paths in the bucket are signed by ${unknown.join(", ")}, which clients do not trust. Add the public key: ./nargate init --public-key KEY`,
        ]),
    ...(deployed.again === undefined
      ? []
      : [`The worker ran on this machine, and stops now. Run it again with: ${deployed.again}`]),
  ];
  return steps.length === 0 ? [] : ["", ...steps];
}
