import { spawn } from "node:child_process";
import type { ProcessContext } from "../client/process-context.ts";

export interface ToolResult {
  /** Whether it ran, and ended well. */
  readonly isDone: boolean;
  readonly stdout: string;
}

/** Runs one of the machine's own programs. That it fails, or is not there, is an outcome. */
export async function runTool(
  [program = "", ...args]: readonly string[],
  { env, cwd, signal }: ProcessContext,
  input = "",
): Promise<ToolResult> {
  return await new Promise((resolve) => {
    const child = spawn(program, args, { env: { ...env }, cwd, signal });
    const chunks: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr.resume();
    child.stdin.on("error", () => {});
    child.stdin.end(input);
    child.once("error", () => resolve({ isDone: false, stdout: "" }));
    child.once("close", (code) =>
      resolve({ isDone: code === 0, stdout: Buffer.concat(chunks).toString() }),
    );
  });
}
