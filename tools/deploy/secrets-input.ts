import { spawnSync } from "node:child_process";
import { stat } from "node:fs/promises";
import { parseEnv } from "node:util";
import { UsageError } from "../../src/client/client-error.ts";
import { isStandardInput, readGivenFile } from "../../src/client/read-given-file.ts";

const FLAG = "--secrets-file";

const NOTE_AFTER_MILLISECONDS = 10_000;

/** The secrets of `--secrets-file`. */
export interface SecretsInput {
  readonly values: Readonly<Record<string, string>>;
  /** Whether the file can be read only once, as standard input or another pipe. */
  readonly isPipe: boolean;
}

/**
 * Reads the secrets in the file that `--secrets-file` names, in the format of
 * .dev.vars.example. Throws `UsageError` if the file cannot be read or holds no
 * setting.
 */
export async function readSecrets(file: string): Promise<SecretsInput> {
  const stats = isStandardInput(file) ? undefined : await stat(file).catch(() => undefined);
  if (stats === undefined && !isStandardInput(file)) {
    throw new UsageError(`${FLAG}: ${file} does not exist`);
  }
  const text = await readWithNote(file);
  const entries = Object.entries(parseEnv(text));
  const isPipe = stats?.isFile() !== true;
  if (entries.length === 0 && isPipe) {
    throw new UsageError(
      `${FLAG} ${file} holds no setting. Check that the command that writes it succeeds`,
    );
  }
  const values = Object.fromEntries(
    entries.filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  return { values, isPipe };
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

/**
 * Runs a program to its end, with the secrets in a pipe behind `--secrets-file`, so
 * that no file holds them. Returns the exit code.
 *
 * Node gives a child a socket as standard input, and opening /dev/stdin fails on a
 * socket. The shell connects `cat` and the program by a real pipe. The secrets are
 * JSON, which wrangler takes too, because wrangler expands `$NAME` in other formats.
 */
export function runWithSecrets(
  program: readonly string[],
  { values }: SecretsInput,
): number | null {
  const { status } = spawnSync(
    "sh",
    ["-c", 'cat | exec "$@"', "sh", ...program, FLAG, "/dev/stdin"],
    { input: JSON.stringify(values), stdio: ["pipe", "inherit", "inherit"] },
  );
  return status;
}
