import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";

/** An answer is one word. More is no answer. */
const MAX_ANSWER_CHARACTERS = 1000;

/**
 * Asks a question on the terminal, and returns whether the answer is yes. Throws
 * `UsageError` if there is no terminal to ask.
 */
export async function confirm(
  question: string,
  { stdin, stderr }: Pick<ProcessContext, "stdin" | "stderr">,
): Promise<boolean> {
  if (stdin.isTTY !== true) {
    throw new UsageError("there is no terminal to ask for confirmation. Add --yes to go on");
  }
  stderr.write(`${question} [y/N] `);
  let answer = "";
  for await (const chunk of stdin) {
    answer += Buffer.from(chunk).toString();
    if (answer.includes("\n") || answer.length > MAX_ANSWER_CHARACTERS) break;
  }
  return /^y(?:es)?$/i.test(answer.trim());
}
