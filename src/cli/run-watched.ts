import { spawn } from "node:child_process";
import { constants } from "node:os";
import { ClientError, describeError, Interrupted } from "../client/client-error.ts";
import { type ProcessContext } from "../client/process-context.ts";

/** A command of the user's that runs on our terminal. */
export interface WatchedCommand {
  /** Its exit code, or 128 and the number of the signal that ended it, as a shell has it. */
  readonly ended: Promise<number>;
  /** Why it could not be started; known once it has ended, with 126 or 127. */
  failure(): ClientError | undefined;
}

/** Starts it with our own input and outputs, and hands on the signals that we are sent. */
export function runWatched(
  [program = "", ...args]: readonly string[],
  { env, cwd, signal, stdin }: ProcessContext,
): WatchedCommand {
  const child = spawn(program, args, { env: { ...env }, cwd, stdio: "inherit" });
  let failure: ClientError | undefined;

  function forward(): void {
    const name = signal.reason instanceof Interrupted ? signal.reason.signal : "SIGTERM";
    // A terminal's Ctrl-C has reached it already, and a second one means something else to many.
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
