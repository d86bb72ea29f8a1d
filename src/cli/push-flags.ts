import { readFile } from "node:fs/promises";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UsageError } from "../client/client-error.ts";
import type { ProcessContext } from "../client/process-context.ts";
import type { PackCompression } from "../client/push/pack-nar.ts";
import type { PushOptions } from "../client/push/push-session.ts";
import {
  hasMatchingPublicKey,
  isKeyName,
  parseSecretKey,
  type SecretKey,
} from "../nix/signature.ts";
import { addCacheOptions } from "./command.ts";

/** The flags that `push` and `watch-exec` share, as commander gives them. */
export interface PushFlags {
  readonly to?: string;
  readonly tokenFile?: string;
  readonly store?: string;
  readonly upstreamKey: readonly string[];
  readonly all?: true;
  readonly signKey?: string;
  readonly compression: PackCompression;
  readonly compressionLevel: number;
  readonly json?: true;
}

const UPSTREAM_KEYS = ["cache.nixos.org-1"];

// zstd's own, and what Nix takes: the network is slower than it nearly everywhere.
const COMPRESSION_LEVEL = 3;

export function addPushFlags(command: Command): Command {
  return addCacheOptions(command)
    .option("--store <url>", "the Nix store that has the paths, as Nix takes it")
    .addOption(
      new Option("--upstream-key <name>", "skip paths signed by this key (repeatable)")
        .argParser(collectKeys)
        .default(UPSTREAM_KEYS, UPSTREAM_KEYS.join(", ")),
    )
    .option("--all", "push what an upstream key signed, too")
    .option("--sign-key <file>", "sign with this secret key of Nix's format")
    .addOption(
      new Option("--compression <name>", "how NARs are compressed")
        .choices(["zstd", "none"])
        .default("zstd"),
    )
    .addOption(
      new Option("--compression-level <n>", "of zstd, 1 to 19")
        .argParser(parseLevel)
        .default(COMPRESSION_LEVEL),
    )
    .option("--json", "print a JSON document at the end");
}

/** Throws `UsageError` for what cannot be meant. */
export async function readPushOptions(
  flags: PushFlags,
  context: ProcessContext,
): Promise<PushOptions> {
  const { to, tokenFile, store, upstreamKey, all, signKey, compression, compressionLevel } = flags;
  return {
    cache: { to, tokenFile },
    storeUrl: store,
    upstreamKeys: new Set(all === true ? [] : upstreamKey),
    signKey: signKey === undefined ? undefined : await readSignKey(signKey, context),
    compression,
    compressionLevel,
    isJson: flags.json === true,
  };
}

/** The first one given takes the place of the default. A whole public key is taken for its name. */
function collectKeys(text: string, previous: readonly string[]): readonly string[] {
  const name = text.split(":", 1)[0] ?? "";
  if (!isKeyName(name)) throw new InvalidArgumentError("It is not the name of a key.");
  return previous === UPSTREAM_KEYS ? [name] : [...previous, name];
}

function parseLevel(text: string): number {
  const level = Number(text);
  if (!/^\d{1,2}$/.test(text) || level < 1 || level > 19) {
    throw new InvalidArgumentError("It is a number from 1 to 19.");
  }
  return level;
}

async function readSignKey(file: string, { cwd }: ProcessContext): Promise<SecretKey> {
  let text: string;
  try {
    text = await readFile(path.resolve(cwd, file), "utf8");
  } catch (error) {
    throw new UsageError(`--sign-key ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const key = parseSecretKey(text.trim());
  if (!key.ok) throw new UsageError(`--sign-key ${file}: it ${key.error}`);
  if (!(await hasMatchingPublicKey(key.value))) {
    throw new UsageError(`--sign-key ${file}: its two halves do not belong together`);
  }
  return key.value;
}
