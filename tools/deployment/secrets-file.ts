import { stat } from "node:fs/promises";
import { parseEnv } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";
import { isStandardInput, readGivenFile } from "../../src/client/read-given-file.ts";

const FLAG = "--secrets-file";

const NOTE_AFTER_MILLISECONDS = 10_000;

/** The secrets of a deployment by name, as the file of `--secrets-file` holds them. */
export type Secrets = Readonly<Record<string, string>>;

/**
 * Reads the secrets in the file that `--secrets-file` names, in the format of
 * .dev.vars.example. It may be standard input or another pipe, which is read only
 * once. Throws `UsageError` if the file cannot be read, or if a pipe holds no setting.
 */
export async function readSecretsFile(file: string): Promise<Secrets> {
  const stats = isStandardInput(file) ? undefined : await stat(file).catch(() => undefined);
  if (stats === undefined && !isStandardInput(file)) {
    throw new UsageError(`${FLAG}: ${file} does not exist`);
  }
  const secrets = parseSecrets(await readWithNote(file));
  if (Object.keys(secrets).length === 0 && stats?.isFile() !== true) {
    throw new UsageError(
      `${FLAG} ${file} holds no setting. Check that the command that writes it succeeds`,
    );
  }
  return secrets;
}

/** npm does not pass on the pipes of every shell: zsh's `<(…)` would be waited for without end. */
async function readWithNote(file: string): Promise<string> {
  const note = setTimeout(() => {
    process.stderr.write(
      `Still waiting for the secrets from ${file}. If they do not come, press Ctrl-C, and use a pipe: COMMAND | npm run deploy -- ${FLAG} -\n`,
    );
  }, NOTE_AFTER_MILLISECONDS);
  try {
    const context = {
      cwd: process.cwd(),
      get stdin() {
        return process.stdin;
      },
    };
    return await readGivenFile(FLAG, file, context);
  } finally {
    clearTimeout(note);
  }
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
