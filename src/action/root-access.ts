import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { ClientError } from "../client/client-error.ts";
import type { ProcessContext } from "../client/process-context.ts";
import type { ActionContext } from "./action-context.ts";
import type { FileAccess } from "./change-file.ts";

export interface ToolResult {
  /** Whether the program started and exited with 0. */
  readonly isDone: boolean;
  readonly stdout: string;
}

/** Runs a program of this machine. Does not throw if the program fails or does not exist. */
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

/** Reads and writes files as root, by sudo without a password, as GitHub's runners have it. */
export function createRootFiles(context: ProcessContext): FileAccess {
  async function sudo(args: readonly string[], input?: string): Promise<string> {
    const { isDone, stdout } = await runTool(["sudo", "-n", ...args], context, input);
    if (!isDone) throw new ClientError(`sudo ${args.join(" ")} failed`);
    return stdout;
  }

  return {
    isRoot: true,
    async read(file) {
      if (await isAbsent(file)) return undefined;
      return await sudo(["cat", file]);
    },
    async write(file, text, { isSecret }) {
      // A new file is created with its mode first, so that no other user can open it in between.
      if (await isAbsent(file)) {
        await sudo(["install", "-m", isSecret ? "600" : "644", "/dev/null", file]);
      }
      await sudo(["tee", file], text);
    },
    async remove(file) {
      await sudo(["rm", "-f", file]);
    },
  };
}

async function isAbsent(file: string): Promise<boolean> {
  return await stat(file).then(
    () => false,
    (error: unknown) => (error as NodeJS.ErrnoException).code === "ENOENT",
  );
}

// The service of Determinate's installer, and the service of all other installers.
const LAUNCHD_SERVICES = ["systems.determinate.nix-daemon", "org.nixos.nix-daemon"];

/**
 * Restarts the daemon, because it reads its nix.conf only when it starts. Returns
 * the command that worked, or undefined if none did.
 */
export async function restartDaemon(context: ActionContext): Promise<string | undefined> {
  const commands =
    context.platform === "darwin"
      ? LAUNCHD_SERVICES.map((name) => ["launchctl", "kickstart", "-k", `system/${name}`])
      : [["systemctl", "restart", "nix-daemon.service"]];
  for (const command of commands) {
    const { isDone } = await runTool(["sudo", "-n", ...command], context);
    if (isDone) return command.join(" ");
  }
  return undefined;
}
