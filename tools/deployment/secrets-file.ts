import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseEnv } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";

/** The secrets of a deployment by name, as the file of `--secrets-file` holds them. */
export type Secrets = Readonly<Record<string, string>>;

/** Reads a secrets file. Throws `UsageError` if it does not exist. */
export async function readSecretsFile(file: string): Promise<Secrets> {
  if (!existsSync(file)) throw new UsageError(`--secrets-file: ${file} does not exist`);
  return parseSecrets(await readFile(file, "utf8"));
}

/** Parses the format of `.dev.vars.example`. */
export function parseSecrets(text: string): Secrets {
  return Object.fromEntries(
    Object.entries(parseEnv(text)).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
}

const HEADER = `# The secrets of a Nargate deployment, for npm run deploy -- --secrets-file.
# Whoever reads this file can change the cache. Keep a copy in your password
# manager, and never put it into a repository.
`;

/**
 * Formats a secrets file. Throws a `UsageError` for a value that the format cannot
 * hold. Wrangler replaces "$" in values of this format, so \`npm run deploy\` hands
 * it the values as JSON.
 */
export function formatSecrets(secrets: Secrets): string {
  const entries = Object.entries(secrets).toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lines = entries.map(([name, value]) => {
    const quote = [`'`, `"`, "`"].find((mark) => !value.includes(mark));
    if (quote === undefined || /[\r\n]/.test(value)) {
      throw new UsageError(
        `${name} has a line break, or all three kinds of quotation marks, so a secrets file cannot hold it`,
      );
    }
    return `${name}=${quote}${value}${quote}`;
  });
  return `${HEADER}\n${lines.join("\n")}\n`;
}
