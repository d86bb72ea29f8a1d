import { err, ok, type Result } from "../result.ts";
import { encodeBase64 } from "./encodings.ts";
import { type DrvOutputId, parseDrvOutputId } from "./drv-output.ts";
import { mergeSignatures, parseSignature } from "./signature.ts";
import { formatStorePathBaseName, parseStorePathBaseName, type StorePath } from "./store-path.ts";

/** What an output of a content-addressed derivation turned out to be. */
interface Outcome {
  readonly outPath: StorePath;
  /** As `name:base64`, in whichever form the file has them. */
  readonly signatures: readonly string[];
  /** Fields unknown here, kept. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** The file `realisations/<id>.doi` of Nix 2.4 to 2.34. */
export interface Realisation extends Outcome {
  readonly kind: "realisation";
  readonly id: DrvOutputId;
  /** By id, base names of store paths. Empty since Nix 2.34, and then signed as empty too. */
  readonly dependentRealisations: ReadonlyMap<string, string>;
}

/** The file `build-trace-v2/<drv>/<output>.doi` of Nix 2.35 on, whose key is its name. */
export interface BuildTraceEntry extends Outcome {
  readonly kind: "build-trace";
}

export function parseRealisation(text: string): Result<Realisation> {
  const object = parseJsonObject(text);
  if (!object.ok) return object;
  const { id: rawId, dependentRealisations: rawDependencies = {}, ...others } = object.value;
  const id = parseDrvOutputId(typeof rawId === "string" ? rawId : "");
  if (!id.ok) return err(`id is wrong: ${id.error}`);
  const dependentRealisations = parseDependencies(rawDependencies);
  if (!dependentRealisations.ok) return dependentRealisations;
  const outcome = parseOutcome(others);
  if (!outcome.ok) return outcome;
  return ok({
    kind: "realisation",
    id: id.value,
    dependentRealisations: dependentRealisations.value,
    ...outcome.value,
  });
}

export function parseBuildTraceEntry(text: string): Result<BuildTraceEntry> {
  const object = parseJsonObject(text);
  if (!object.ok) return object;
  const outcome = parseOutcome(object.value);
  return outcome.ok ? ok({ kind: "build-trace", ...outcome.value }) : outcome;
}

/**
 * The bytes Nix would write: keys sorted, no spaces. Signatures are strings in
 * a realisation, since before 2.35 Nix reads nothing else, and objects in a
 * build trace entry.
 */
export function formatRealisation(realisation: Realisation | BuildTraceEntry): string {
  const outPath = formatStorePathBaseName(realisation.outPath);
  switch (realisation.kind) {
    case "realisation":
      return formatSorted({
        ...realisation.rest,
        id: realisation.id,
        outPath,
        signatures: realisation.signatures,
        dependentRealisations: sortKeys(Object.fromEntries(realisation.dependentRealisations)),
      });
    case "build-trace":
      return formatSorted({
        ...realisation.rest,
        outPath,
        signatures: realisation.signatures.map(toSignatureObject),
      });
  }
}

/** What is signed: Nix's own JSON without the signatures (`Realisation::fingerprint`, 2.8 to 2.34). */
export function realisationFingerprint(realisation: Realisation): string {
  return formatSorted({
    id: realisation.id,
    outPath: formatStorePathBaseName(realisation.outPath),
    dependentRealisations: sortKeys(Object.fromEntries(realisation.dependentRealisations)),
  });
}

/** The same since 2.35, where the key is signed along (`UnkeyedRealisation::fingerprint`). */
export function buildTraceFingerprint(
  key: { readonly drvPath: StorePath; readonly outputName: string },
  entry: BuildTraceEntry,
): string {
  return formatSorted({
    key: { drvPath: formatStorePathBaseName(key.drvPath), outputName: key.outputName },
    value: { outPath: formatStorePathBaseName(entry.outPath) },
  });
}

/**
 * Adds the signatures of `incoming` to `existing`, if both say the same. As in
 * `Realisation::isCompatibleWith`, dependencies that only one of them lists
 * are no contradiction: some versions of Nix leave them out.
 */
export function mergeRealisation<T extends Realisation | BuildTraceEntry>(
  existing: T,
  incoming: T,
): Result<T> {
  if (formatStorePathBaseName(existing.outPath) !== formatStorePathBaseName(incoming.outPath)) {
    return err("the output is already known to be another path");
  }
  if (existing.kind === "realisation" && incoming.kind === "realisation") {
    if (existing.id !== incoming.id) return err("the realisation is of another output");
    const [ours, theirs] = [existing.dependentRealisations, incoming.dependentRealisations];
    const isSame =
      ours.size === theirs.size && [...ours].every(([id, path]) => theirs.get(id) === path);
    if (ours.size > 0 && theirs.size > 0 && !isSame) {
      return err("the output is already known with other dependencies");
    }
  }
  return ok({ ...existing, signatures: mergeSignatures(existing.signatures, incoming.signatures) });
}

function parseJsonObject(text: string): Result<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("it is not JSON");
  }
  return isObject(value) ? ok(value) : err("it is not a JSON object");
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseOutcome(object: Record<string, unknown>): Result<Outcome> {
  const { outPath: rawOutPath, signatures: rawSignatures = [], ...rest } = object;
  const outPath = parseStorePathBaseName(typeof rawOutPath === "string" ? rawOutPath : "");
  if (!outPath.ok) return err(`outPath is wrong: ${outPath.error}`);
  if (!Array.isArray(rawSignatures)) return err("signatures is not an array");
  const signatures: string[] = [];
  for (const raw of rawSignatures as unknown[]) {
    const text = isObject(raw) ? `${String(raw["keyName"])}:${String(raw["sig"])}` : raw;
    if (typeof text !== "string" || !parseSignature(text).ok) {
      return err("signatures holds something that is not a signature");
    }
    signatures.push(text);
  }
  return ok({ outPath: outPath.value, signatures, rest });
}

function parseDependencies(raw: unknown): Result<ReadonlyMap<string, string>> {
  if (!isObject(raw)) return err("dependentRealisations is not an object");
  const dependencies = new Map<string, string>();
  for (const [id, path] of Object.entries(raw)) {
    if (!parseDrvOutputId(id).ok || typeof path !== "string" || !parseStorePathBaseName(path).ok) {
      return err("dependentRealisations holds something that is not a realisation");
    }
    dependencies.set(id, path);
  }
  return ok(dependencies);
}

function toSignatureObject(text: string): { keyName: string; sig: string } {
  const signature = parseSignature(text);
  if (!signature.ok) throw new TypeError("a signature was not parsed before");
  return { keyName: signature.value.keyName, sig: encodeBase64(signature.value.bytes) };
}

function formatSorted(object: Record<string, unknown>): string {
  return JSON.stringify(sortKeys(object));
}

function sortKeys(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
