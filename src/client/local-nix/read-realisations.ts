import { open, readdir } from "node:fs/promises";
import path from "node:path";
import { parseOutputName } from "../../nix/drv-output.ts";
import {
  type BuildTraceEntry,
  parseBuildTraceEntry,
  parseRealisation,
  type Realisation,
} from "../../nix/realisation.ts";
import {
  formatStorePath,
  formatStorePathBaseName,
  parseStorePathBaseName,
  type StorePath,
} from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import type { ProcessContext } from "../process-context.ts";
import { readField } from "../read-field.ts";
import { runNix } from "./run-nix.ts";
import { type NixStore, storeArgs } from "./store-location.ts";

/** A realisation as a cache has it. */
export type LocalRealisation =
  | { readonly kind: "realisation"; readonly target: string; readonly value: Realisation }
  | {
      readonly kind: "build-trace";
      readonly target: string;
      readonly key: { readonly drvPath: StorePath; readonly outputName: string };
      readonly value: BuildTraceEntry;
    };

/**
 * Reads the realisations that lead to these paths: for each output of a derivation
 * whose output path is known only after the build, which path that was. A client
 * needs them to find the output of such a derivation in a cache.
 *
 * The database of Nix leads from a derivation to its output only. And what was built
 * is the derivation with its inputs resolved, while a client asks for the original
 * one. Both have the same name, so this function asks for all derivations of the
 * store with the names of the paths' derivers.
 */
export async function readRealisations(
  derivers: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<readonly LocalRealisation[]> {
  const { directory } = store;
  if (directory === undefined) return [];
  const floating = await findFloating(derivers, directory);
  if (floating.length === 0) return [];
  const others = await findNamesakes(floating, directory);
  const realisations = await query([...floating, ...others], store, context);
  return [...new Map(realisations.map((one) => [one.target, one])).values()];
}

/** Returns the derivations that the store has and whose output paths are not known before the build. */
async function findFloating(
  derivations: readonly StorePath[],
  directory: string,
): Promise<readonly StorePath[]> {
  const found: StorePath[] = [];
  for (const derivation of derivations) {
    if (await isFloating(path.join(directory, formatStorePathBaseName(derivation)))) {
      found.push(derivation);
    }
  }
  return found;
}

const HEAD_BYTES = 400;

/**
 * Whether the first output of a derivation has no path yet: it is content-addressed,
 * or it depends on something that is. An impure output has no realisation.
 */
async function isFloating(file: string): Promise<boolean> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      const [, hash] =
        /^Derive\(\[\("[^"]*","","[^"]*","([^"]*)"\)/.exec(
          buffer.toString("latin1", 0, bytesRead),
        ) ?? [];
      return hash !== undefined && hash !== "impure";
    } finally {
      await handle.close();
    }
  } catch {
    return false;
  }
}

async function findNamesakes(
  derivations: readonly StorePath[],
  directory: string,
): Promise<readonly StorePath[]> {
  const names = new Set<string>(derivations.map(({ name }) => name));
  const known = new Set(derivations.map(formatStorePathBaseName));
  const paths = (await readdir(directory)).flatMap((baseName) => {
    const parsed = parseStorePathBaseName(baseName);
    const isOther = parsed.ok && names.has(parsed.value.name) && !known.has(baseName);
    return isOther ? [parsed.value] : [];
  });
  return await findFloating(paths, directory);
}

/** Asks for all at once, and if Nix fails for one of them, which was never built, for each alone. */
async function query(
  derivations: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<readonly LocalRealisation[]> {
  const text = await print(derivations, store, context);
  if (text !== undefined) return parseRealisations(text);
  if (derivations.length === 1) return [];
  const found: LocalRealisation[] = [];
  for (const derivation of derivations) found.push(...(await query([derivation], store, context)));
  return found;
}

/** Returns what Nix prints. Undefined if it fails. */
async function print(
  derivations: readonly StorePath[],
  store: NixStore,
  context: ProcessContext,
): Promise<string | undefined> {
  const names = derivations.map((one) => formatStorePath(one, store.storeDir));
  const flags = ["--extra-experimental-features", "ca-derivations", "--json"];
  // Since Nix 2.15 a derivation alone means itself and not its outputs.
  for (const suffix of ["^*", ""]) {
    const args = ["realisation", "info", ...storeArgs(store), ...flags];
    args.push(...names.map((name) => name + suffix));
    try {
      return await runNix({ program: "nix", args }, context);
    } catch {
      context.signal.throwIfAborted();
    }
  }
  return undefined;
}

/**
 * Parses the output of `nix realisation info --json`: a list of objects. Up to Nix 2.34
 * each is a realisation as in a cache; later ones are `{ key, value }`. Leaves out
 * what is no realisation, such as the output of an ordinary derivation.
 */
export function parseRealisations(text: string): readonly LocalRealisation[] {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return [];
  }
  if (!Array.isArray(list)) return [];
  return list.flatMap((item: unknown) => {
    const parsed =
      readField(item, "key") === undefined ? parseOldRealisation(item) : parseBuildTrace(item);
    return parsed.ok ? [parsed.value] : [];
  });
}

function parseOldRealisation(item: unknown): Result<LocalRealisation> {
  const value = parseRealisation(JSON.stringify(item));
  if (!value.ok) return value;
  return ok({
    kind: "realisation",
    target: `realisations/${value.value.id}.doi`,
    value: value.value,
  });
}

function parseBuildTrace(item: unknown): Result<LocalRealisation> {
  const key = readField(item, "key");
  const outputName = readField(key, "outputName");
  const drv = readField(key, "drvPath");
  if (typeof drv !== "string" || typeof outputName !== "string") return err("it has no key");
  const drvPath = parseStorePathBaseName(path.basename(drv));
  if (!drvPath.ok) return drvPath;
  const output = parseOutputName(outputName);
  if (!output.ok) return output;
  const value = parseBuildTraceEntry(JSON.stringify(readField(item, "value")));
  if (!value.ok) return value;
  return ok({
    kind: "build-trace",
    target: `build-trace-v2/${formatStorePathBaseName(drvPath.value)}/${outputName}.doi`,
    key: { drvPath: drvPath.value, outputName },
    value: value.value,
  });
}
