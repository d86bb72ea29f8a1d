import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { UsageError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { findNetrcPassword } from "./netrc.ts";

/** A token and where it came from, for people; never taken from an argument, which `ps` shows. */
export interface FoundToken {
  readonly token: string;
  readonly source: string;
}

/**
 * The token for a cache: of `--token-file`, of NARGATE_TOKEN, or of the first
 * netrc file that names the host. Throws `UsageError` when a file that was asked
 * for cannot be read, or a token would cross a network in the clear.
 */
export async function findToken(
  cacheUrl: string,
  tokenFile: string | undefined,
  context: Pick<ProcessContext, "env" | "cwd">,
): Promise<FoundToken | undefined> {
  const found = await lookForToken(new URL(cacheUrl).hostname, tokenFile, context);
  if (found === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,16384}$/.test(found.token)) {
    throw new UsageError(`the token of ${found.source} is not one word of printable characters`);
  }
  requireSafeForTokens(cacheUrl);
  return found;
}

/** Throws `UsageError` where anyone on the way could read a token. */
export function requireSafeForTokens(cacheUrl: string): void {
  if (isSafeForTokens(cacheUrl)) return;
  const { hostname } = new URL(cacheUrl);
  throw new UsageError(`a token is not sent over plain http to ${hostname}; use https`);
}

/** Whether nobody on the way could read what is sent there. */
export function isSafeForTokens(cacheUrl: string): boolean {
  const { protocol, hostname } = new URL(cacheUrl);
  return protocol === "https:" || LOOPBACK.has(hostname);
}

const LOOPBACK = new Set(["127.0.0.1", "localhost", "[::1]"]);

async function lookForToken(
  hostname: string,
  tokenFile: string | undefined,
  { env, cwd }: Pick<ProcessContext, "env" | "cwd">,
): Promise<FoundToken | undefined> {
  if (tokenFile !== undefined) {
    try {
      const text = await readFile(resolve(cwd, tokenFile), "utf8");
      return { token: text.trim(), source: tokenFile };
    } catch (error) {
      throw new UsageError(`--token-file ${tokenFile}: ${(error as NodeJS.ErrnoException).code}`);
    }
  }
  const fromEnvironment = env["NARGATE_TOKEN"]?.trim() ?? "";
  if (fromEnvironment !== "") return { token: fromEnvironment, source: "NARGATE_TOKEN" };
  for (const file of netrcFiles(env)) {
    const text = await readFile(file, "utf8").catch(() => "");
    const token = findNetrcPassword(text, hostname);
    if (token !== undefined && token !== "") return { token, source: file };
  }
  return undefined;
}

/** In the order in which they are looked at: the user's own before the daemon's. */
function netrcFiles(env: ProcessContext["env"]): readonly string[] {
  // Without a home nothing is looked for: a relative name would lead to wherever the command runs.
  const home = env["HOME"] || undefined;
  const config = env["XDG_CONFIG_HOME"] || (home && join(home, ".config"));
  return [
    ...(env["NETRC"] ? [env["NETRC"]] : []),
    ...(config === undefined ? [] : [join(config, "nix/netrc")]),
    ...(home === undefined ? [] : [join(home, ".netrc")]),
    join(env["NIX_CONF_DIR"] ?? "/etc/nix", "netrc"),
  ];
}
