import { createHash, randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Scope } from "../api/scopes.ts";
import { UsageError } from "../client/client-error.ts";
import { encodeNix32 } from "../nix/base32.ts";
import { err, ok, type Result } from "../result.ts";
import { isCalendarDay, parseTokens, type TokenEntry } from "../settings/token.ts";

/** A secret of Cloudflare Workers holds no more. */
export const MAX_SECRET_BYTES = 5 * 1024;

/** Fixed, so that secret scanners know one when they see it. */
export const TOKEN_PREFIX = "nargate_";

/** `nargate_` and 256 random bits in nix32: 52 letters and digits that one double click selects. */
export function generateToken(): string {
  return TOKEN_PREFIX + encodeNix32(randomBytes(32));
}

/** The list with an entry for `token`; an error when the name is taken or the secret would not hold it. */
export function addToken(
  entries: readonly TokenEntry[],
  token: string,
  entry: { readonly name: string; readonly scopes: readonly Scope[]; readonly expires?: string },
): Result<readonly TokenEntry[]> {
  if (entries.some(({ name }) => name === entry.name)) {
    return err(`there is a token named ${entry.name} already; revoke it first`);
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
        `TOKENS is full: ${entries.length} tokens; a secret holds ${MAX_SECRET_BYTES} bytes. Revoke some first`,
      );
}

function expiryOf({ expires }: { readonly expires?: string }) {
  return expires === undefined ? {} : { expires };
}

export function formatTokens(entries: readonly TokenEntry[]): string {
  return JSON.stringify(entries);
}

/** The day that `text` names: YYYY-MM-DD, or a number of days from today such as 90d. */
export function parseExpiry(text: string, today: Date): Result<string> {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  if (days !== undefined) {
    return ok(new Date(today.getTime() + Number(days) * 86_400_000).toISOString().slice(0, 10));
  }
  return isCalendarDay(text)
    ? ok(text)
    : err("expiry is neither YYYY-MM-DD nor a number of days such as 90d");
}

/** An absent file is an empty list. */
export async function readTokenFile(file: string): Promise<readonly TokenEntry[]> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  const entries = parseTokens(text);
  if (!entries.ok) throw new UsageError(`${file} ${entries.error}`);
  return entries.value;
}

/** Whole or not at all, and for its owner alone. */
export async function writeTokenFile(file: string, entries: readonly TokenEntry[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${formatTokens(entries)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
