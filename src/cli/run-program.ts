import { CommanderError } from "commander";
import { type ProcessContext, createProcessContext } from "../client/process-context.ts";
import { describeError, Interrupted, UsageError } from "../client/client-error.ts";
import { createProgram } from "./program.ts";

/** Runs the command that `args` name and gives its exit code: 0, 1, 2 for wrong use, 130 for Ctrl-C. */
export async function runProgram(
  args: readonly string[],
  context: ProcessContext,
): Promise<number> {
  let exitCode: number | undefined;
  const program = createProgram(context, (code) => {
    exitCode = code;
  });
  try {
    await program.parseAsync(args, { from: "user" });
    return exitCode ?? (context.signal.aborted ? 130 : 0);
  } catch (error) {
    if (context.signal.aborted) return 130;
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    context.stderr.write(`nargate: ${toOneLine(describeError(error))}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** What was typed may stand in it, and a terminal would obey an escape sequence. */
function toOneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

/** The first Ctrl-C ends the command in order; the second one ends it at once. */
export async function runProcess(): Promise<void> {
  const outputs = watchOutputs();
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.once(name, () => controller.abort(new Interrupted(name)));
  }
  const code = await runProgram(process.argv.slice(2), createProcessContext(controller.signal));
  process.exitCode = code === 0 && outputs.isLost() ? 1 : code;
}

/**
 * Who stops reading, as `head` does, has seen enough, and the command goes on
 * to its end. Where the text cannot be kept, such as on a full disk, it fails.
 */
function watchOutputs() {
  let isLost = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "EPIPE" || isLost) return;
      isLost = true;
      process.exitCode ||= 1;
      process.stderr.write(`nargate: cannot write its output: ${code}\n`);
    });
  }
  return { isLost: () => isLost };
}
