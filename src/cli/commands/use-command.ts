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
  nixConfLines,
  nixSettingsJson,
  trustNote,
} from "../../client/use/cache-use.ts";
import { systemNixConf, userNixConf } from "../../client/use/nix-conf.ts";
import { type WrittenUse, writeUse } from "../../client/use/write-use.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface UseOptions extends CacheOptions {
  readonly write?: boolean;
  readonly file?: string;
  readonly json?: boolean;
}

/** `nargate use`: what makes Nix on this machine pull from the cache. */
export const addUseCommand: AddCommand = (program, context) => {
  const command = program
    .command("use")
    .summary("Print the nix.conf lines for a cache, or write them.")
    .description(
      "Print the nix.conf lines for a cache and what a private one needs in netrc; with --write, edit your nix.conf.",
    )
    .argument("[url]", "the cache; the same as --to")
    .option("--write", "add them to your own nix.conf, and your token to the netrc beside it")
    .option("--file <file>", "with --write: another nix.conf, such as /etc/nix/nix.conf")
    .option("--json", "print JSON, for a program")
    .addHelpText("after", "\nExample:\n  nargate use https://cache.example.org --write\n")
    .action(async (url: string | undefined, options: UseOptions) => {
      await useCache({ ...options, to: url ?? options.to }, context);
    });
  addCacheOptions(command);
};

async function useCache(options: UseOptions, context: ProcessContext): Promise<void> {
  if (options.file !== undefined && options.write !== true) {
    throw new UsageError("--file goes with --write");
  }
  const cache = await openCache(options, context);
  const { access, publicKeys } = await readGatewayFacts(cache.client);
  const use: CacheUse = { url: cache.client.url, isPrivate: access === "token", publicKeys };
  const file =
    options.file === undefined ? userNixConf(context) : resolve(context.cwd, options.file);
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
  // Standard output has the lines and nothing else, so that it can go into a file.
  const tell = (text: string) => context.stderr.write(`${text}\n`);
  const isForAll = written !== undefined && file === systemFile;
  if (written === undefined) {
    tell(`For everyone on this machine, in ${systemFile} (NixOS: nix.settings):\n`);
    context.stdout.write(`${nixConfLines(use).join("\n")}\n`);
    tell("");
    if (use.isPrivate) tell(`${netrcNote(use, join(dirname(systemFile), "netrc"))}\n`);
  } else {
    context.stdout.write(describeWritten(written));
  }
  if (written?.hiddenNetrc !== undefined) {
    const { hiddenNetrc, netrc } = written;
    tell(
      `Nix reads ${netrc?.file} now and not ${hiddenNetrc}, which only root can read: what that has for other caches belongs into the new one.`,
    );
  }
  for (const note of cacheNotes(use, nix)) tell(note);
  const isIgnored = !("reason" in nix) && nix.trust.isTrusted === false;
  if (written === undefined || (isIgnored && !isForAll)) {
    tell(trustNote(nix, file, systemFile));
  }
}

/** The token for a private cache, once the cache has taken it. */
async function provedToken(
  { isPrivate, url }: CacheUse,
  { client, token }: OpenCache,
): Promise<string | undefined> {
  if (!isPrivate) return undefined;
  if (token === undefined) {
    throw new UsageError(`${url} is private: give a token by NARGATE_TOKEN or --token-file`);
  }
  await readTokenFacts(client);
  return token.token;
}

function describeWritten({ nixConf, newLines, netrc }: WrittenUse): string {
  const lines = nixConf.isChanged
    ? [`${nixConf.file} says now:`, ...newLines.map((line) => `  ${line}`)]
    : [`${nixConf.file} has them already`];
  if (netrc !== undefined) {
    lines.push(
      netrc.isChanged ? `${netrc.file} has the token now` : `${netrc.file} has the token already`,
    );
  }
  return `${lines.join("\n")}\n`;
}
