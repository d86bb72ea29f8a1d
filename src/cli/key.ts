/** `npm run key`: makes a signing key for the gateway. */
import { parseArgs } from "node:util";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../nix/signature.ts";
import { runCommand, UsageError } from "./run-command.ts";

const USAGE = `Usage: npm run key -- create NAME

  Makes an Ed25519 key pair in Nix's format. NAME says whose it is and which
  one, such as cache.example.org-1. The secret half is shown once, as the value
  of the secret SIGNING_KEY; the public half goes into PUBLIC_KEYS and nix.conf.
`;

async function main(): Promise<string> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: "boolean", short: "h" } },
  });
  if (values.help === true) return USAGE;
  const [command, name, ...rest] = positionals;
  if (command !== "create" || name === undefined || rest.length > 0) throw new UsageError(USAGE);
  if (!/^[\w.+-]{1,64}$/.test(name)) throw new UsageError("NAME has only letters, digits and ._+-");
  const text = await generateSecretKey(name);
  const key = parseSecretKey(text);
  if (!key.ok) throw new Error(key.error);
  return [
    "Secret half, shown this once; store it with: npx wrangler secret put SIGNING_KEY",
    `  ${text}`,
    "Public half, for PUBLIC_KEYS in wrangler.toml and trusted-public-keys in nix.conf:",
    `  ${formatPublicKey(publicKeyOf(key.value))}`,
    "",
  ].join("\n");
}

runCommand(main);
