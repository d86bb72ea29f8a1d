import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Scope } from "../api/tokens.ts";
import { UsageError } from "./client-error.ts";
import { configHome } from "./config-home.ts";
import type { ProcessContext } from "./process-context.ts";
import { err, ok, type Result } from "../result.ts";
import { isCalendarDay, parseTokens, type TokenEntry } from "../settings/token-entries.ts";
import { replaceFile } from "./replace-file.ts";

/** The largest size of a secret of Cloudflare Workers. */
export const MAX_SECRET_BYTES = 5 * 1024;

/**
 * Returns the list with an entry for `token`. Fails if the name is taken, or if
 * the list would be too large for a secret.
 */
export function addToken(
  entries: readonly TokenEntry[],
  token: string,
  entry: { readonly name: string; readonly scopes: readonly Scope[]; readonly expires?: string },
): Result<readonly TokenEntry[]> {
  if (entries.some(({ name }) => name === entry.name)) {
    return err(
      `a token with the name ${entry.name} already exists. Revoke it first, or use another name`,
    );
  }
  const sha256 = createHash("sha256").update(token).digest("hex");
  const added = [
    ...entries,
    { name: entry.name, sha256, scopes: entry.scopes, ...expiryOf(entry) },
  ];
  const size = Buffer.byteLength(formatTokens(added));
  return size <= MAX_SECRET_BYTES
    ? ok(added)
    : err(
        `TOKENS is full: it has ${entries.length} tokens, and a secret holds ${MAX_SECRET_BYTES} bytes. Revoke tokens that are not used any more`,
      );
}

function expiryOf({ expires }: { readonly expires?: string }) {
  return expires === undefined ? {} : { expires };
}

/** Returns the list as JSON: the value of the secret TOKENS. */
export function formatTokens(entries: readonly TokenEntry[]): string {
  return JSON.stringify(entries);
}

/**
 * Returns a day as YYYY-MM-DD. `text` is such a day, or a number of days from
 * today such as 90d.
 */
export function parseExpiry(text: string, today: Date): Result<string> {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) {
    return ok(new Date(today.getTime() + Number(days) * 86_400_000).toISOString().slice(0, 10));
  }
  return isCalendarDay(text)
    ? ok(text)
    : err("--expires must be a day such as 2027-01-31, or a number of days such as 90d");
}

/**
 * Returns the file of the list: one for each user, wherever the command runs. A list in
 * a clone would be missing in the next clone, and a token that is added to a missing
 * list revokes all others.
 */
export function defaultTokenFile({ env }: Pick<ProcessContext, "env">): string {
  const config = configHome(env);
  if (config === undefined)
    throw new UsageError(
      "HOME is not set, so the place of the list is unknown. Name it with --file",
    );
  return join(config, "nargate/tokens.json");
}

/**
 * Reads the list of tokens. Returns undefined if the file does not exist. Throws
 * `UsageError` if it is malformed.
 */
export async function readTokenFile(file: string): Promise<readonly TokenEntry[] | undefined> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const entries = parseTokens(text);
  if (!entries.ok) throw new UsageError(`${file} ${entries.error}`);
  return entries.value;
}

/** Writes the list in one step, so the file is never half written. Only its owner can read it. */
export async function writeTokenFile(file: string, entries: readonly TokenEntry[]): Promise<void> {
  await replaceFile(file, `${formatTokens(entries)}\n`, { isSecret: true });
}
