import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../nix/signature.ts";
import type { AddCommand } from "../command.ts";

interface KeyOptions {
  readonly json?: boolean;
}

/** `nargate key`: makes a signing key for a gateway. */
export const addKeyCommand: AddCommand = (program, context) => {
  const command = program
    .command("key")
    .description("Make a signing key: the value of the secret SIGNING_KEY.")
    .helpCommand(false)
    .addHelpText("after", "\nExample:\n  nargate key create cache.example.org-1\n");
  command
    .command("create")
    .description(
      "Make an Ed25519 key pair in Nix's format. The secret half is shown once; the public half goes into PUBLIC_KEYS and nix.conf.",
    )
    .argument("<name>", "whose it is and which one, such as cache.example.org-1")
    .option("--json", "print JSON, for a program")
    .addHelpText("after", "\nExample:\n  nargate key create cache.example.org-1\n")
    .action(async (name: string, options: KeyOptions) => await create(name, options, context));
};

async function create(
  name: string,
  { json }: KeyOptions,
  { stdout }: ProcessContext,
): Promise<void> {
  if (!/^[\w.+-]{1,64}$/.test(name)) throw new UsageError("NAME has only letters, digits and ._+-");
  const secretKey = await generateSecretKey(name);
  const key = parseSecretKey(secretKey);
  if (!key.ok) throw new Error(key.error);
  const publicKey = formatPublicKey(publicKeyOf(key.value));
  stdout.write(
    json === true
      ? `${JSON.stringify({ name, secretKey, publicKey }, null, 2)}\n`
      : [
          "Secret half, shown this once; store it with: npx wrangler secret put SIGNING_KEY",
          `  ${secretKey}`,
          "Public half, for PUBLIC_KEYS in wrangler.toml and trusted-public-keys in nix.conf:",
          `  ${publicKey}`,
          "",
        ].join("\n"),
  );
}
