import { spawn } from "node:child_process";
import { stat } from "node:fs/promises";
import { ClientError } from "../client/client-error.ts";
import type { ProcessContext } from "../client/process-context.ts";
import type { ActionContext } from "./action-context.ts";
import type { FileAccess } from "./change-file.ts";

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

/** As root, by the sudo without a password that GitHub's runners have. */
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
      // Made first, so that nobody else can open it before it is secret.
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

// Of Determinate's installer, and of all others.
const LAUNCHD_SERVICES = ["systems.determinate.nix-daemon", "org.nixos.nix-daemon"];

/**
 * Has the daemon read its nix.conf, which it does at its start alone. Gives the
 * command that did it; undefined where none did.
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
