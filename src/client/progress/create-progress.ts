import type { ProcessContext } from "../process-context.ts";
import { createPlainProgress } from "./plain-progress.ts";
import type { Progress } from "./progress.ts";
import { createTerminalProgress } from "./terminal-progress.ts";

/** `prefix` begins every line. Bars where a person looks, lines everywhere else, CI above all. */
export function createProgress(context: ProcessContext, prefix = ""): Progress {
  const { stderr, env } = context;
  const isWatched = stderr.isTTY === true && env["TERM"] !== "dumb" && (env["CI"] ?? "") === "";
  return isWatched ? createTerminalProgress(context) : createPlainProgress(context, prefix);
}
