import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The end of a program, with what it wrote to standard output and to standard error. */
export interface ProgramEnd {
  readonly status: number;
  readonly output: string;
  readonly errors: string;
}

/**
 * Runs a script of this repository with this Node. `shown` passes its output on as it
 * comes; `asking` also lets it use the terminal, and then nothing is kept.
 */
export type RunProgram = (
  script: string,
  args: readonly string[],
  mode: "silent" | "shown" | "asking",
) => Promise<ProgramEnd>;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Returns the absolute path of a file of this repository. */
export function inRepository(file: string): string {
  return ROOT + file;
}

/** Creates the runner for real programs. They end when the signal aborts. */
export function createProgramRunner(
  signal: AbortSignal,
  write: (text: string) => unknown,
): RunProgram {
  return async (script, args, mode) =>
    await new Promise((resolve, reject) => {
      const child = spawn(process.execPath, ["--no-warnings", inRepository(script), ...args], {
        cwd: ROOT,
        signal,
        killSignal: "SIGINT",
        stdio:
          mode === "asking"
            ? "inherit"
            : ["ignore", "pipe", mode === "silent" ? "pipe" : "inherit"],
      });
      let output = "";
      child.stdout?.on("data", (chunk: Buffer) => {
        output += chunk.toString();
        if (mode === "shown") write(chunk.toString());
      });
      let errors = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        errors += chunk.toString();
      });
      child.once("error", reject);
      child.once("close", (code) => resolve({ status: code ?? 1, output, errors }));
    });
}
