import { dirname, join, resolve } from "node:path";
import { UsageError } from "../../client/client-error.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, type OpenCache, openCache } from "../../client/gateway/open-cache.ts";
import { readTokenFacts } from "../../client/gateway/token-facts.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { askLocalNix } from "../../client/use/ask-local-nix.ts";
import {
  cacheNotes,
  type CacheUse,
  netrcNote,
  nixSettingsJson,
  trustNote,
} from "../../client/use/cache-use.ts";
import { editableNixConf, systemNixConf, userNixConf } from "../../client/use/nix-conf.ts";
import { usesCache } from "../../client/use/nix-settings.ts";
import { readTextFile } from "../../client/replace-file.ts";
import { type WrittenUse, writeUse } from "../../client/use/write-use.ts";
import { nixConfLines } from "../../nix/conf-lines.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface UseOptions extends CacheOptions {
  readonly write?: boolean;
  readonly file?: string;
  readonly json?: boolean;
}

/** `nargate use`: prints or writes the settings that make Nix pull from a cache. */
export const addUseCommand: AddCommand = (program, context) => {
  const command = program
    .command("use")
    .summary("Print the nix.conf lines for a cache, or write them.")
    .description(
      "Print the nix.conf lines for a cache, and for a private cache the netrc line. With --write, edit your nix.conf.",
    )
    .argument("[url]", "the URL of the cache; the same as --to")
    .option(
      "--write",
      "add the lines to your own nix.conf, and the token of a private cache to your netrc file",
    )
    .option("--file <file>", "with --write: another nix.conf, such as /etc/nix/nix.conf")
    .option("--json", "print JSON")
    .addHelpText("after", "\nExample:\n  nargate use https://cache.example.org --write\n")
    .action(async (url: string | undefined, options: UseOptions) => {
      await useCache({ ...options, to: url ?? options.to }, context);
    });
  addCacheOptions(command);
};

async function useCache(options: UseOptions, context: ProcessContext): Promise<void> {
  if (options.file !== undefined && options.write !== true) {
    throw new UsageError("--file works only together with --write");
  }
  const cache = await openCache(options, context);
  const { access, publicKeys } = await readGatewayFacts(cache.firstContact);
  const use: CacheUse = { url: cache.client.url, isPrivate: access === "token", publicKeys };
  const named =
    options.file === undefined ? await userNixConf(context) : resolve(context.cwd, options.file);
  const file = options.write === true ? await findEditable(named) : named;
  const written =
    options.write === true
      ? await writeUse(use, file, await provedToken(use, cache), context)
      : undefined;

  const nix = await askLocalNix(context);
  const systemFile = systemNixConf(context);
  if (options.json === true) {
    const trusted = "reason" in nix ? null : (nix.trust.isTrusted ?? null);
    const value = {
      url: use.url,
      access,
      settings: nixSettingsJson(use),
      trusted,
      nixConf: written?.nixConf ?? null,
      netrc: written?.netrc ?? null,
    };
    context.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
    return;
  }
  // Standard output has only the lines for nix.conf, so the user can append it to a file.
  const tell = (text: string) => context.stderr.write(`${text}\n`);
  const isForAll = written !== undefined && named === systemFile;
  if (written === undefined) {
    tell(
      `For all users of this machine, put these lines into ${systemFile} (on NixOS into nix.settings):\n`,
    );
    context.stdout.write(`${nixConfLines(use).join("\n")}\n`);
    tell("");
    if (use.isPrivate) tell(`${netrcNote(use, join(dirname(systemFile), "netrc"))}\n`);
  } else {
    context.stdout.write(describeWritten(written));
  }
  if (written?.hiddenNetrc !== undefined) {
    const { hiddenNetrc, netrc } = written;
    tell(
      `Nix now reads ${netrc?.file} and no longer ${hiddenNetrc}, which only root can read. Copy the entries for other caches from the old file to the new file, as root.`,
    );
  }
  for (const note of cacheNotes(use, nix)) tell(note);
  const isIgnored = !("reason" in nix) && nix.trust.isTrusted === false;
  if (written === undefined || (isIgnored && !isForAll)) {
    tell(trustNote(nix, file, systemFile));
  } else if (!("reason" in nix) && !isForAll && !usesCache(nix.settings, use)) {
    tell(
      `Nix does not use ${file}: its settings do not have the cache. Run \`nix config show substituters\` (nix show-config before Nix 2.20) to see what it uses, and name its file with --file.`,
    );
  }
}

/** Returns the file to edit: the installers that include nix.custom.conf overwrite nix.conf itself. */
async function findEditable(file: string): Promise<string> {
  return editableNixConf(file, await readTextFile(file));
}

/**
 * Returns the token for a private cache after the cache has accepted it. Undefined
 * for a public cache.
 */
async function provedToken(
  { isPrivate, url }: CacheUse,
  { firstContact, token }: OpenCache,
): Promise<string | undefined> {
  if (!isPrivate) return undefined;
  if (token === undefined) {
    throw new UsageError(`${url} is private: give a token with NARGATE_TOKEN or --token-file`);
  }
  await readTokenFacts(firstContact);
  return token.token;
}

function describeWritten({ nixConf, newLines, netrc }: WrittenUse): string {
  const lines = nixConf.isChanged
    ? [`${nixConf.file} now has these lines:`, ...newLines.map((line) => `  ${line}`)]
    : [`${nixConf.file} already has the lines`];
  if (netrc !== undefined) {
    lines.push(
      netrc.isChanged ? `Added the token to ${netrc.file}` : `${netrc.file} already has the token`,
    );
  }
  return `${lines.join("\n")}\n`;
}
