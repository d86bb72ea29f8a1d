import { spawn } from "node:child_process";
import { constants } from "node:os";
import { ClientError, describeError, Interrupted } from "../client/client-error.ts";
import { type ProcessContext } from "../client/process-context.ts";

/** A running command of the user. It shares our terminal. */
export interface WatchedCommand {
  /**
   * The exit code. If a signal ended the command, it is 128 plus the signal's
   * number, as in a shell.
   */
  readonly ended: Promise<number>;
  /**
   * The reason why the command could not start, or undefined. Read it after `ended`;
   * the exit code is then 126 or 127.
   */
  failure(): ClientError | undefined;
}

/**
 * Starts a command with the input and outputs of this process, and forwards the
 * signals that this process gets.
 */
export function runWatched(
  [program = "", ...args]: readonly string[],
  { env, cwd, signal, stdin }: ProcessContext,
): WatchedCommand {
  const child = spawn(program, args, { env: { ...env }, cwd, stdio: "inherit" });
  let failure: ClientError | undefined;

  function forward(): void {
    const name = signal.reason instanceof Interrupted ? signal.reason.signal : "SIGTERM";
    // A terminal sends Ctrl-C to the command as well. A second SIGINT would kill many commands at
    // once.
    if (name === "SIGINT" && stdin.isTTY === true) return;
    child.kill(name);
  }
  signal.addEventListener("abort", forward, { once: true });

  const ended = new Promise<number>((resolve) => {
    child.once("error", (error: NodeJS.ErrnoException) => {
      const isMissing = error.code === "ENOENT";
      failure = new ClientError(
        `${program}: ${isMissing ? "command not found" : describeError(error)}`,
      );
      resolve(isMissing ? 127 : 126);
    });
    child.once("close", (code, killedBy) => {
      resolve(code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]));
    });
  }).finally(() => signal.removeEventListener("abort", forward));
  return { ended, failure: () => failure };
}
