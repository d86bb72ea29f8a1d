import { join, resolve } from "node:path";
import type { ProcessContext } from "../process-context.ts";
import { UsageError } from "../client-error.ts";

/** The nix.conf of everyone on this machine, which the daemon reads. */
export function systemNixConf({ env }: Pick<ProcessContext, "env">): string {
  return join(env["NIX_CONF_DIR"] ?? "/etc/nix", "nix.conf");
}

/** This user's own: of several in NIX_USER_CONF_FILES the first, which Nix reads last. */
export function userNixConf({ env, cwd }: Pick<ProcessContext, "env" | "cwd">): string {
  const [first = ""] = (env["NIX_USER_CONF_FILES"] ?? "").split(":");
  if (first !== "") return resolve(cwd, first);
  const home = env["HOME"] ?? "";
  const config = env["XDG_CONFIG_HOME"] || (home === "" ? "" : join(home, ".config"));
  if (config === "") throw new UsageError("HOME is not set; name the nix.conf with --file");
  return join(config, "nix/nix.conf");
}
