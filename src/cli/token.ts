/** `npm run token`: makes, lists and revokes the tokens of this cache. */
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { isCurrent, isScope, parseTokens, SCOPES, type TokenEntry } from "../access/token.ts";
import { addToken, formatTokens, generateToken, parseExpiry } from "./token-list.ts";
import { runCommand, UsageError } from "./run-command.ts";

const USAGE = `Usage: npm run token -- COMMAND

  create NAME [--scope ${SCOPES.join("|")}]… [--expires 90d|YYYY-MM-DD]
           makes a token and shows it once (scope: push)
  list     shows names, scopes and expiry
  revoke NAME
           takes a token out of the list

  --file FILE   where the list is kept (.nargate/tokens.json). It holds only
                hashes; its contents are the value of the secret TOKENS.
`;

const DEFAULT_FILE = ".nargate/tokens.json";

async function readEntries(file: string): Promise<readonly TokenEntry[]> {
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

async function writeEntries(file: string, entries: readonly TokenEntry[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${formatTokens(entries)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

function storeHint(file: string, entries: readonly TokenEntry[]): string {
  return [
    "",
    "The new value of the secret TOKENS, hashes only:",
    `  ${formatTokens(entries)}`,
    "Store it:",
    `  npx wrangler secret put TOKENS < ${file}`,
    "",
  ].join("\n");
}

async function create(file: string, name: string, scopeTexts: readonly string[], expires?: string) {
  const scopes = scopeTexts.filter(isScope);
  if (scopes.length !== scopeTexts.length)
    throw new UsageError(`a scope is one of ${SCOPES.join(", ")}`);
  const expiry = expires === undefined ? undefined : parseExpiry(expires, new Date());
  if (expiry?.ok === false) throw new UsageError(expiry.error);
  const token = generateToken();
  const entries = addToken(await readEntries(file), token, {
    name,
    scopes,
    ...(expiry === undefined ? {} : { expires: expiry.value }),
  });
  if (!entries.ok) throw new UsageError(entries.error);
  const check = parseTokens(formatTokens(entries.value));
  if (!check.ok) throw new UsageError(`${name}: ${check.error}`);
  await writeEntries(file, entries.value);
  return `The token ${name}, shown this once:\n  ${token}\n${storeHint(file, entries.value)}`;
}

async function list(file: string) {
  const lines = (await readEntries(file)).map((entry) =>
    [
      entry.name,
      entry.scopes.join(","),
      entry.expires === undefined ? "no expiry" : `until ${entry.expires}`,
      ...(isCurrent(entry, new Date()) ? [] : ["EXPIRED"]),
    ].join("\t"),
  );
  return lines.length === 0 ? `No tokens in ${file}.\n` : `${lines.join("\n")}\n`;
}

async function revoke(file: string, name: string) {
  const before = await readEntries(file);
  const after = before.filter((entry) => entry.name !== name);
  if (after.length === before.length)
    throw new UsageError(`there is no token named ${name} in ${file}`);
  await writeEntries(file, after);
  return `Revoked ${name}; it works until the new value is stored.\n${storeHint(file, after)}`;
}

async function main(): Promise<string> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      scope: { type: "string", multiple: true, default: ["push"] },
      expires: { type: "string" },
      file: { type: "string", default: DEFAULT_FILE },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, name, ...rest] = positionals;
  if (values.help === true) return USAGE;
  if (rest.length > 0) throw new UsageError(USAGE);
  if (command === "create" && name !== undefined) {
    return await create(values.file, name, values.scope, values.expires);
  }
  if (command === "revoke" && name !== undefined) return await revoke(values.file, name);
  if (command === "list" && name === undefined) return await list(values.file);
  throw new UsageError(USAGE);
}

runCommand(main);
