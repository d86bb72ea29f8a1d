import { UsageError } from "../src/client/client-error.ts";

/**
 * Runs a command and prints its text to standard output. If it throws, prints the
 * message to standard error; the exit code is 2 for wrong arguments and 1 for
 * other errors.
 */
export function runCommand(command: () => Promise<string>): void {
  command().then(
    (text) => process.stdout.write(text),
    (error: unknown) => {
      const isUsage = error instanceof UsageError || isParseArgsError(error);
      process.stderr.write(`${isUsage ? (error as Error).message : describe(error)}\n`);
      process.exitCode = isUsage ? 2 : 1;
    },
  );
}

function isParseArgsError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === "string" && code.startsWith("ERR_PARSE_ARGS");
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
