import { spawn } from "node:child_process";
import type { Writable } from "node:stream";
import type { Secrets } from "../deployment/secrets-file.ts";

/**
 * Puts the secrets into a named pipe, in a new folder that only this user can open.
 * Node would give the program a socket, which cannot be opened by name, and wrangler
 * passes no descriptors on to the process that reads. Its standard input stays the
 * terminal.
 */
const SCRIPT = `
trap 'exit 130' INT
trap 'exit 143' TERM
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
mkfifo -m 600 "$folder/secrets" || exit 1
cat <&3 >"$folder/secrets" &
"$@" --secrets-file "$folder/secrets" 3<&-
status=$?
kill $! 2>/dev/null
exit $status
`;

/**
 * Runs a program to its end, with the secrets in a pipe behind `--secrets-file`, so
 * that no file holds them. They are JSON, because wrangler changes values in other
 * formats: it replaces `$NAME`, and prefers variables of the environment. Returns the
 * exit code.
 */
export async function runWithSecrets(
  program: readonly string[],
  secrets: Secrets,
): Promise<number | null> {
  const child = spawn("sh", ["-c", SCRIPT, "sh", ...program], {
    stdio: ["inherit", "inherit", "inherit", "pipe"],
  });
  const input = child.stdio[3] as Writable;
  // The program may end without reading.
  input.on("error", () => {});
  input.end(JSON.stringify(secrets));
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
}
