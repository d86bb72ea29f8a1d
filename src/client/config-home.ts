import { join } from "node:path";

/**
 * Returns the directory of the user's settings, by the XDG base directory
 * specification. Returns undefined if neither XDG_CONFIG_HOME nor a home is set.
 */
export function configHome(
  env: Readonly<Record<string, string | undefined>>,
  home = env["HOME"] ?? "",
): string | undefined {
  return env["XDG_CONFIG_HOME"] || (home === "" ? undefined : join(home, ".config"));
}
