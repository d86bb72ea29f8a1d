import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../client/client-error.ts";
import type { ProcessContext } from "../client/process-context.ts";
import type { PackCompression } from "../client/push/pack-nar.ts";
import type { PushOptions } from "../client/push/push-session.ts";
import { isStandardInput } from "../client/read-given-file.ts";
import { isKeyName } from "../nix/signature.ts";
import { addCacheOptions } from "./command.ts";
import { readSecretKey } from "./read-secret-key.ts";

/** The flags that `push` and `watch-exec` share, as commander gives them. */
export interface PushFlags {
  readonly to?: string;
  readonly tokenFile?: string;
  /** Only `push` has it. */
  readonly stdin?: true;
  readonly store?: string;
  readonly upstreamKey: readonly string[];
  readonly all?: true;
  readonly signKey?: string;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
  readonly listing: boolean;
  readonly logs?: true;
  readonly repair?: true;
  readonly json?: true;
}

const UPSTREAM_KEYS = ["cache.nixos.org-1"];

// The default of zstd and of Nix. At this level zstd is faster than nearly every network.
const COMPRESSION_LEVEL = 3;

/** Adds the options that `push` and `watch-exec` share. */
export function addPushFlags(command: Command): Command {
  return addCacheOptions(command)
    .option("--store <url>", "the Nix store that has the paths, in Nix's format")
    .addOption(
      new Option("--upstream-key <name>", "skip paths that this key signed; may be repeated")
        .argParser(collectKeys)
        .default(UPSTREAM_KEYS, UPSTREAM_KEYS.join(", ")),
    )
    .option("--all", "also push paths that an upstream key signed")
    .option(
      "--sign-key <file>",
      "sign with the secret key in this file, in Nix's format; - is standard input",
    )
    .addOption(new Option("--sign-with <file>").hideHelp().argParser(refuseSignWith))
    .addOption(
      new Option("--compression <name>", "how NARs are compressed")
        .choices(["zstd", "none"])
        .default("zstd"),
    )
    .addOption(
      new Option("--compression-level <n>", "the level of zstd, 1 to 19")
        .argParser(parseLevel)
        .default(COMPRESSION_LEVEL),
    )
    .option("--no-listing", "do not send the lists of files in the NARs, which nix-index reads")
    .option("--logs", "also send the build logs that this machine has of the pushed paths")
    .option(
      "--repair",
      "also push again what the cache has without its NAR, with a cut NAR, or (if the gateway proves contents) with other contents",
    )
    .option("--json", "print the result as JSON at the end");
}

/**
 * Reads the options of a push from the flags. Throws `UsageError` if the key file
 * cannot be read or is malformed, or if two flags want standard input.
 */
export async function readPushOptions(
  flags: PushFlags,
  context: ProcessContext,
): Promise<PushOptions> {
  const { to, tokenFile, store, upstreamKey, all, signKey, compression, compressionLevel } = flags;
  refuseSharedInput(flags);
  return {
    cache: { to, tokenFile },
    storeUrl: store,
    upstreamKeys: new Set(all === true ? [] : upstreamKey),
    signKey:
      signKey === undefined ? undefined : await readSecretKey("--sign-key", signKey, context),
    compression,
    compressionLevel,
    withListing: flags.listing,
    withLogs: flags.logs === true,
    isRepair: flags.repair === true,
    isJson: flags.json === true,
  };
}

/**
 * Collects the values of --upstream-key. The first value replaces the default. A
 * whole public key counts as its name.
 */
function collectKeys(text: string, previous: readonly string[]): readonly string[] {
  const name = text.split(":", 1)[0] ?? "";
  if (!isKeyName(name))
    throw new InvalidArgumentError("Give the name of a key, such as cache.nixos.org-1.");
  return previous === UPSTREAM_KEYS ? [name] : [...previous, name];
}

/** Some notes about `nix copy` mention this option, which Nix never had. */
function refuseSignWith(): never {
  throw new UsageError("unknown option '--sign-with': use --sign-key FILE");
}

function parseLevel(text: string): number {
  const level = Number(text);
  if (!/^\d{1,2}$/.test(text) || level < 1 || level > 19) {
    throw new InvalidArgumentError("Give a number from 1 to 19.");
  }
  return level;
}

/** Standard input can be read once: the second reader would find it empty. */
function refuseSharedInput({ stdin, signKey, tokenFile }: PushFlags): void {
  const readers = [
    ...(stdin === true ? ["--stdin"] : []),
    ...Object.entries({ "--sign-key": signKey, "--token-file": tokenFile }).flatMap(
      ([flag, file]) => (file !== undefined && isStandardInput(file) ? [`${flag} ${file}`] : []),
    ),
  ];
  if (readers.length < 2) return;
  throw new UsageError(
    `${readers.join(" and ")} all read standard input, which can be read only once. Give one of them another file, such as <(command)`,
  );
}
