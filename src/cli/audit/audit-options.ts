import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import type { AuditRules } from "../../client/audit/judge-narinfo.ts";
import { UsageError } from "../../client/client-error.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type OpenCache, openCache } from "../../client/gateway/open-cache.ts";
import { trustedKeys } from "../../client/gateway/usable.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatPublicKey, parsePublicKey } from "../../nix/signature.ts";
import { parsePublicKeys } from "../../settings/read-settings.ts";

/** The options that `fsck` and `sign` share, as commander gives them. */
export interface AuditFlags {
  readonly to?: string;
  readonly tokenFile?: string;
  readonly publicKey: readonly string[];
  readonly state?: string;
  readonly json?: true;
}

export function addAuditFlags(command: Command): Command {
  return command
    .addOption(
      new Option(
        "--public-key <key>",
        "another key that clients trust, as in nix.conf; may be repeated",
      )
        .argParser(collectKeys)
        .default([], "the keys of the cache, and PUBLIC_KEYS"),
    )
    .option(
      "--state <file>",
      "record the work in this file; with the same file a command that was ended goes on",
    );
}

function collectKeys(text: string, previous: readonly string[]): readonly string[] {
  const key = parsePublicKey(text.trim());
  if (!key.ok) throw new InvalidArgumentError(`It ${key.error}.`);
  return [...previous, text.trim()];
}

/**
 * Returns the keys that clients trust: those that the cache publishes, of PUBLIC_KEYS,
 * of --public-key, and Nix's own. Throws `UsageError` if no source of keys is given.
 */
export async function readAuditRules(
  flags: AuditFlags,
  context: ProcessContext,
): Promise<AuditRules> {
  const given = readGivenKeys(flags, context);
  const url = flags.to ?? context.env["NARGATE_URL"] ?? "";
  if (url === "" && given.length === 0) {
    throw new UsageError(
      "which keys do clients trust? Name the cache with --to URL, or give the keys with --public-key KEY or PUBLIC_KEYS",
    );
  }
  if (url === "") return rulesOf(given, context.env["STORE_DIR"] || "/nix/store");
  return await readCacheRules(await openCache(flags, context), given);
}

/** Returns the same rules for a cache that is open. */
export async function readCacheRules(
  { firstContact }: Pick<OpenCache, "firstContact">,
  given: readonly string[],
): Promise<AuditRules> {
  const { publicKeys, storeDir } = await readGatewayFacts(firstContact);
  return rulesOf([...publicKeys, ...given], storeDir);
}

function rulesOf(publicKeys: readonly string[], storeDir: string): AuditRules {
  return { storeDir, keys: trustedKeys({ publicKeys: [...new Set(publicKeys)] }) };
}

/** Returns the keys of PUBLIC_KEYS and of --public-key. Throws `UsageError` if one is malformed. */
export function readGivenKeys(
  { publicKey }: Pick<AuditFlags, "publicKey">,
  { env }: Pick<ProcessContext, "env">,
): readonly string[] {
  return [...readPublicKeys(env["PUBLIC_KEYS"]), ...publicKey];
}

function readPublicKeys(text = ""): readonly string[] {
  if (text.trim() === "") return [];
  const keys = parsePublicKeys(text.trim());
  if (!keys.ok) throw new UsageError(`PUBLIC_KEYS: ${keys.error}`);
  return keys.value.map(formatPublicKey);
}

/** Returns the file of --state, from the directory where the user called the command. */
export function stateFile({ state }: AuditFlags, { cwd }: ProcessContext): string | undefined {
  return state === undefined ? undefined : path.resolve(cwd, state);
}
