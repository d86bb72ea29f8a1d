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
    .description("Make a signing key, the value of the secret SIGNING_KEY.")
    .helpCommand(false)
    .addHelpText("after", "\nExample:\n  nargate key create cache.example.org-1\n");
  command
    .command("create")
    .description(
      "Make an Ed25519 key pair in Nix's format. The command shows the secret half once. The public half goes into PUBLIC_KEYS and into nix.conf.",
    )
    .argument(
      "<name>",
      "the name of the key: the host of the cache and a number, such as cache.example.org-1",
    )
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate key create cache.example.org-1\n")
    .action(async (name: string, options: KeyOptions) => await create(name, options, context));
};

async function create(
  name: string,
  { json }: KeyOptions,
  { stdout }: ProcessContext,
): Promise<void> {
  if (!/^[\w.+-]{1,64}$/.test(name))
    throw new UsageError("the name of a key has 1 to 64 characters: letters, digits and . _ + -");
  const secretKey = await generateSecretKey(name);
  const key = parseSecretKey(secretKey);
  if (!key.ok) throw new Error(key.error);
  const publicKey = formatPublicKey(publicKeyOf(key.value));
  stdout.write(
    json === true
      ? `${JSON.stringify({ name, secretKey, publicKey }, null, 2)}\n`
      : [
          "Secret half, shown only now. Store it with: npx wrangler secret put SIGNING_KEY",
          `  ${secretKey}`,
          "Public half, for PUBLIC_KEYS in wrangler.toml and for trusted-public-keys in nix.conf:",
          `  ${publicKey}`,
          "",
        ].join("\n"),
  );
}
