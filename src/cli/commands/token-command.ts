import { dirname, resolve } from "node:path";
import type { Command } from "commander";
import { generateToken, isScope, SCOPES } from "../../api/tokens.ts";
import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { isCurrent, parseTokens, type TokenEntry } from "../../settings/token-entries.ts";
import type { AddCommand } from "../command.ts";
import {
  addToken,
  defaultTokenFile,
  formatTokens,
  parseExpiry,
  readTokenFile,
  writeTokenFile,
} from "../../client/token-list.ts";

/** Where version 0.1 kept the list: in the folder where the command ran. */
const FORMER_FILE = ".nargate/tokens.json";

interface ListOptions {
  readonly file?: string;
  readonly json?: boolean;
}

interface CreateOptions extends ListOptions {
  readonly scope?: readonly string[];
  readonly expires?: string;
  readonly new?: boolean;
}

/** `nargate token`: makes, lists and revokes the tokens of a cache. */
export const addTokenCommand: AddCommand = (program, context) => {
  const command = program
    .command("token")
    .description("Make, list and revoke tokens. The list is the value of the secret TOKENS.")
    .helpCommand(false)
    .addHelpText("after", "\nExample:\n  nargate token create ci --scope push --expires 90d\n");
  addListOptions(command.command("create"))
    .description("Make a token, and show it once.")
    .argument(
      "<name>",
      "the name of the token, such as the name of its user; the log of the cache shows it",
    )
    .option(
      "--scope <scope>",
      `one of ${SCOPES.join(", ")}; may be repeated (default: push)`,
      append,
    )
    .option(
      "--expires <when>",
      "the last day of the token: YYYY-MM-DD, or a number of days such as 90d",
    )
    .option("--new", "begin the list: the cache has no tokens yet, or all of them shall end")
    .addHelpText(
      "after",
      "\nExample:\n  nargate token create ci --scope push --expires 90d --new\n",
    )
    .action(async (name: string, options: CreateOptions) => await create(name, options, context));
  addListOptions(command.command("list"))
    .description("List the tokens with their scopes and last days.")
    .addHelpText("after", "\nExample:\n  nargate token list\n")
    .action(async (options: ListOptions) => await list(options, context));
  addListOptions(command.command("revoke"))
    .description("Remove a token from the list.")
    .argument("<name>", "the name of the token")
    .addHelpText("after", "\nExample:\n  nargate token revoke ci\n")
    .action(async (name: string, options: ListOptions) => await revoke(name, options, context));
};

function append(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function addListOptions(command: Command): Command {
  return command
    .option(
      "--file <file>",
      "the file of the list; it holds only hashes of the tokens (default: nargate/tokens.json in ~/.config)",
    )
    .option("--json", "print JSON");
}

async function create(
  name: string,
  { scope = ["push"], expires, ...options }: CreateOptions,
  context: ProcessContext,
): Promise<void> {
  const file = fileOf(options, context);
  const scopes = scope.filter(isScope);
  if (scopes.length !== scope.length)
    throw new UsageError(`--scope must be one of ${SCOPES.join(", ")}`);
  const expiry = expires === undefined ? undefined : parseExpiry(expires, context.now());
  if (expiry?.ok === false) throw new UsageError(expiry.error);
  const token = generateToken();
  const known = await readTokenFile(file);
  if (known === undefined && options.new !== true) throw await missingList(file, context);
  if (known !== undefined && known.length > 0 && options.new === true) {
    throw new UsageError(
      `${file} holds ${countTokens(known)} already: leave out --new. To end all of them, remove the file first`,
    );
  }
  const entries = addToken(known ?? [], token, {
    name,
    scopes,
    ...(expiry === undefined ? {} : { expires: expiry.value }),
  });
  if (!entries.ok) throw new UsageError(entries.error);
  const check = parseTokens(formatTokens(entries.value));
  if (!check.ok) {
    throw new UsageError(
      `the name of a token has 1 to 64 characters: letters, digits and . _ @ - (${check.error})`,
    );
  }
  await writeTokenFile(file, entries.value);
  if (options.json === true) {
    const shown = { name, token, scopes, expires: expiry?.value ?? null, tokens: entries.value };
    writeJson(shown, context);
    return;
  }
  context.stdout.write(
    `The token ${name}, shown only now:\n  ${token}\n${storeHint(file, entries.value)}`,
  );
}

async function list(options: ListOptions, context: ProcessContext): Promise<void> {
  const file = fileOf(options, context);
  const entries = await readTokenFile(file);
  if (entries === undefined) throw await missingList(file, context);
  const tokens = entries.map((entry) => ({
    name: entry.name,
    scopes: entry.scopes,
    expires: entry.expires ?? null,
    isCurrent: isCurrent(entry, context.now()),
  }));
  if (options.json === true) {
    writeJson(tokens, context);
    return;
  }
  const lines = tokens.map(({ name, scopes, expires, isCurrent: works }) =>
    [
      name,
      scopes.join(","),
      expires === null ? "no expiry" : `until ${expires}`,
      ...(works ? [] : ["EXPIRED"]),
    ].join("\t"),
  );
  context.stdout.write(lines.length === 0 ? `No tokens in ${file}.\n` : `${lines.join("\n")}\n`);
}

async function revoke(name: string, options: ListOptions, context: ProcessContext): Promise<void> {
  const file = fileOf(options, context);
  const before = await readTokenFile(file);
  if (before === undefined) throw await missingList(file, context);
  const after = before.filter((entry) => entry.name !== name);
  if (after.length === before.length)
    throw new UsageError(
      `${file} has no token with the name ${name}. List the tokens with: nargate token list`,
    );
  await writeTokenFile(file, after);
  if (options.json === true) {
    writeJson({ name, tokens: after }, context);
    return;
  }
  context.stdout.write(
    `Removed ${name} from the list. The token works until you store the new value.\n${storeHint(file, after)}`,
  );
}

function fileOf({ file }: ListOptions, context: ProcessContext): string {
  return file === undefined ? defaultTokenFile(context) : resolve(context.cwd, file);
}

/**
 * The error for a list that is not there. With an empty list instead, storing the new
 * value would end every token that the cache knows, and Cloudflare shows no secret.
 */
async function missingList(file: string, { cwd }: ProcessContext): Promise<UsageError> {
  const former = resolve(cwd, FORMER_FILE);
  const isFormer = file !== former && (await readTokenFile(former).catch(() => [])) !== undefined;
  return new UsageError(
    isFormer
      ? `the list of tokens is now kept at ${file}. Move it there: mkdir -p ${dirname(file)} && mv ${former} ${file}`
      : `there is no list of tokens at ${file}. For the first token of a cache, add --new to token create. Otherwise copy the list from the machine that made the other tokens. If it is lost, --new begins another list, and every token that is not in it ends when you store it`,
  );
}

function countTokens({ length }: readonly TokenEntry[]): string {
  return length === 1 ? "1 token" : `${length} tokens`;
}

function storeHint(file: string, entries: readonly TokenEntry[]): string {
  return [
    "",
    `The new value of the secret TOKENS. It holds ${countTokens(entries)}, as hashes only:`,
    `  ${formatTokens(entries)}`,
    "Store it with:",
    `  npx wrangler secret put TOKENS < ${file}`,
    "If nargate init made the cache, run it again afterwards: it brings its secrets.env up to date.",
    "",
  ].join("\n");
}

function writeJson(value: unknown, context: ProcessContext): void {
  context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
