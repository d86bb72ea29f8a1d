import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const COMMAND = fileURLToPath(new URL("../../tools/canary/main.ts", import.meta.url));

interface CommandResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as npm does, with no environment but `env`; `meanwhile` may send it a signal. */
export async function runCanary(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  meanwhile: (stop: (signal: NodeJS.Signals) => void) => Promise<void> = async () => {},
): Promise<CommandResult> {
  const child = spawn(process.execPath, ["--no-warnings", COMMAND, ...args], {
    env: { ...env, PATH: process.env["PATH"] },
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await meanwhile((signal) => child.kill(signal));
  const code = await ended;
  return {
    code,
    stdout: Buffer.concat(stdout).toString(),
    stderr: Buffer.concat(stderr).toString(),
  };
}
