import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../client-error.ts";
import { isSecureUrl } from "../../http/secure-url.ts";
import type { ProcessContext } from "../process-context.ts";
import { isStandardInput, readGivenFile } from "../read-given-file.ts";
import { findNetrcPassword } from "./netrc.ts";

/** A token. It never comes from a command-line argument, because `ps` shows arguments. */
export interface FoundToken {
  readonly token: string;
  /** The place where the token was found, for messages. */
  readonly source: string;
}

type TokenContext = Pick<ProcessContext, "env" | "cwd" | "stdin">;

/**
 * Returns the token for a cache: from `--token-file`, from NARGATE_TOKEN, or from
 * the first netrc file that names the host. Throws `UsageError` if the token file
 * cannot be read, or if the token would cross a network unencrypted.
 */
export async function findToken(
  cacheUrl: string,
  tokenFile: string | undefined,
  context: TokenContext,
): Promise<FoundToken | undefined> {
  const found = await lookForToken(new URL(cacheUrl).hostname, tokenFile, context);
  if (found === undefined) return undefined;
  if (!/^[\x21-\x7e]{1,16384}$/.test(found.token)) {
    throw new UsageError(
      `the token from ${found.source} is empty, too long, or contains a space or an unprintable character. Check that it is only the token`,
    );
  }
  requireSafeForTokens(cacheUrl);
  return found;
}

/** Throws `UsageError` if others on the network could read a token that is sent to this URL. */
export function requireSafeForTokens(cacheUrl: string): void {
  const url = new URL(cacheUrl);
  if (isSecureUrl(url)) return;
  throw new UsageError(
    `refusing to send a token to ${url.hostname} over plain http. Use an https URL`,
  );
}

async function lookForToken(
  hostname: string,
  tokenFile: string | undefined,
  context: TokenContext,
): Promise<FoundToken | undefined> {
  if (tokenFile !== undefined) {
    const token = await readGivenFile("--token-file", tokenFile, context);
    return { token, source: isStandardInput(tokenFile) ? "standard input" : tokenFile };
  }
  const { env } = context;
  const fromEnvironment = env["NARGATE_TOKEN"]?.trim() ?? "";
  if (fromEnvironment !== "") return { token: fromEnvironment, source: "NARGATE_TOKEN" };
  for (const file of netrcFiles(env)) {
    const text = await readFile(file, "utf8").catch(() => "");
    const token = findNetrcPassword(text, hostname);
    if (token !== undefined && token !== "") return { token, source: file };
  }
  return undefined;
}

/**
 * Returns the netrc files in the order in which they are searched: the user's own
 * files before the daemon's file.
 */
function netrcFiles(env: ProcessContext["env"]): readonly string[] {
  // Without HOME there is no file of the user: a relative name would mean the current directory.
  const home = env["HOME"] || undefined;
  const config = env["XDG_CONFIG_HOME"] || (home && join(home, ".config"));
  return [
    ...(env["NETRC"] ? [env["NETRC"]] : []),
    ...(config === undefined ? [] : [join(config, "nix/netrc")]),
    ...(home === undefined ? [] : [join(home, ".netrc")]),
    join(env["NIX_CONF_DIR"] ?? "/etc/nix", "netrc"),
  ];
}
