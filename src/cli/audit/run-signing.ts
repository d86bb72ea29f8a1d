import type { ProcessContext } from "../../client/process-context.ts";
import { signPaths, type SignSession } from "../../client/sign/sign-paths.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { SignCandidates } from "./sign-candidates.ts";
import {
  formatOutcome,
  formatOutcomeJson,
  formatSignCounts,
  isUnsigned,
  NO_OUTCOMES,
} from "./sign-report.ts";
import { createStatusLine } from "./status-line.ts";

/**
 * Signs the paths, and shows how far it is. Lists the paths that were not signed at the
 * end, so that nobody has to look for them among thousands of lines.
 */
export async function runSigning(
  { hashes }: SignCandidates,
  session: SignSession,
  isJson: boolean,
  context: ProcessContext,
): Promise<{ readonly signed: readonly StorePathHash[]; readonly exitCode: number }> {
  const { stdout } = context;
  const status = createStatusLine(context);
  const counts = { ...NO_OUTCOMES };
  const signed: StorePathHash[] = [];
  const problems: string[] = [];
  let done = 0;
  try {
    for await (const outcome of signPaths(hashes, session, context)) {
      counts[outcome.status]++;
      done++;
      if (outcome.status === "signed") signed.push(outcome.hash);
      if (isJson) stdout.write(formatOutcomeJson(outcome));
      else if (isUnsigned(outcome)) problems.push(formatOutcome(outcome));
      status.show(`${done} of ${hashes.length} paths, ${problems.length} not signed`);
    }
  } catch (error) {
    status.clear();
    context.stderr.write(
      `${signed.length} paths were signed. Run the same command again: it leaves them out.\n`,
    );
    throw error;
  } finally {
    status.clear();
    for (const problem of problems) stdout.write(problem);
  }
  stdout.write(isJson ? `${JSON.stringify({ summary: { counts } })}\n` : formatSignCounts(counts));
  const failed = counts.failed + counts["wrong-contents"] + counts["not-proved"];
  return { signed, exitCode: failed > 0 ? 1 : 0 };
}
