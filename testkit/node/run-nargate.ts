import type { ProcessContext } from "../../src/client/process-context.ts";
import { runProgram } from "../../src/cli/program.ts";
import { createTestContext } from "./test-context.ts";

export interface NargateResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process, with the real fetch and the `overrides` of the context. */
export async function runNargate(
  args: readonly string[],
  overrides: Partial<ProcessContext> = {},
): Promise<NargateResult> {
  const written = { stdout: "", stderr: "" };
  const context = createTestContext({
    fetch,
    stdout: { write: (text) => (written.stdout += text) },
    stderr: { write: (text) => (written.stderr += text) },
    ...overrides,
  });
  const code = await runProgram(args, context);
  return { code, ...written };
}

/**
 * Joins the lines that a report has broken at 80 columns. The rest of a long line
 * stands further in than a remedy begins.
 */
export function unwrapped(report: string): string {
  return report.replace(/\n {10,}/g, " ");
}
