import type { ActionContext } from "./action-context.ts";
import { runTool } from "./run-tool.ts";

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
