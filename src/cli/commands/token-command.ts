import { resolve } from "node:path";
import type { Command } from "commander";
import { isScope, SCOPES } from "../../api/scopes.ts";
import { generateToken } from "../../api/token.ts";
import { UsageError } from "../../client/client-error.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { isCurrent, parseTokens, type TokenEntry } from "../../settings/token-entries.ts";
import type { AddCommand } from "../command.ts";
import {
  addToken,
  formatTokens,
  parseExpiry,
  readTokenFile,
  writeTokenFile,
} from "../token-list.ts";

const DEFAULT_FILE = ".nargate/tokens.json";

interface ListOptions {
  readonly file: string;
  readonly json?: boolean;
}

interface CreateOptions extends ListOptions {
  readonly scope?: readonly string[];
  readonly expires?: string;
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
    .addHelpText("after", "\nExample:\n  nargate token create ci --scope push --expires 90d\n")
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
      "the file of the list; it holds only hashes of the tokens",
      DEFAULT_FILE,
    )
    .option("--json", "print JSON");
}

async function create(
  name: string,
  { scope = ["push"], expires, ...options }: CreateOptions,
  context: ProcessContext,
): Promise<void> {
  const file = resolve(context.cwd, options.file);
  const scopes = scope.filter(isScope);
  if (scopes.length !== scope.length)
    throw new UsageError(`--scope must be one of ${SCOPES.join(", ")}`);
  const expiry = expires === undefined ? undefined : parseExpiry(expires, context.now());
  if (expiry?.ok === false) throw new UsageError(expiry.error);
  const token = generateToken();
  const entries = addToken(await readTokenFile(file), token, {
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
    `The token ${name}, shown only now:\n  ${token}\n${storeHint(options.file, entries.value)}`,
  );
}

async function list(options: ListOptions, context: ProcessContext): Promise<void> {
  const entries = await readTokenFile(resolve(context.cwd, options.file));
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
  context.stdout.write(
    lines.length === 0 ? `No tokens in ${options.file}.\n` : `${lines.join("\n")}\n`,
  );
}

async function revoke(name: string, options: ListOptions, context: ProcessContext): Promise<void> {
  const file = resolve(context.cwd, options.file);
  const before = await readTokenFile(file);
  const after = before.filter((entry) => entry.name !== name);
  if (after.length === before.length)
    throw new UsageError(
      `${options.file} has no token with the name ${name}. List the tokens with: nargate token list`,
    );
  await writeTokenFile(file, after);
  if (options.json === true) {
    writeJson({ name, tokens: after }, context);
    return;
  }
  context.stdout.write(
    `Removed ${name} from the list. The token works until you store the new value.\n${storeHint(options.file, after)}`,
  );
}

function storeHint(file: string, entries: readonly TokenEntry[]): string {
  return [
    "",
    "The new value of the secret TOKENS, which has only hashes:",
    `  ${formatTokens(entries)}`,
    "Store it with:",
    `  npx wrangler secret put TOKENS < ${file}`,
    "",
  ].join("\n");
}

function writeJson(value: unknown, context: ProcessContext): void {
  context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
}
