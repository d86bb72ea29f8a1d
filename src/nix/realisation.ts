import { err, ok, type Result } from "../result.ts";
import { encodeBase64 } from "./encodings.ts";
import { type DrvOutputId, parseDrvOutputId } from "./drv-output.ts";
import { mergeSignatures, parseSignature } from "./signature.ts";
import { formatStorePathBaseName, parseStorePathBaseName, type StorePath } from "./store-path.ts";

/** The store path that the build of a content-addressed derivation produced for one output. */
interface Outcome {
  readonly outPath: StorePath;
  /** Each as `name:base64`. The file has them as strings or as objects. */
  readonly signatures: readonly string[];
  /** Unknown fields of the file, kept for formatting. */
  readonly rest: Readonly<Record<string, unknown>>;
}

/** The file `realisations/<id>.doi` of Nix 2.4 to 2.34. */
export interface Realisation extends Outcome {
  readonly kind: "realisation";
  readonly id: DrvOutputId;
  /** Base names of store paths, by realisation id. Nix 2.34 leaves it empty, and signs it as empty. */
  readonly dependentRealisations: ReadonlyMap<string, string>;
}

/**
 * The file `build-trace-v2/<drv>/<output>.doi` since Nix 2.35. Its name is its
 * key, so the file has no id.
 */
export interface BuildTraceEntry extends Outcome {
  readonly kind: "build-trace";
}

/** Parses the JSON of a realisation. The error is a clause, and never quotes the text. */
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

/** Parses the JSON of a build trace entry. The error is a clause, and never quotes the text. */
export function parseBuildTraceEntry(text: string): Result<BuildTraceEntry> {
  const object = parseJsonObject(text);
  if (!object.ok) return object;
  const outcome = parseOutcome(object.value);
  return outcome.ok ? ok({ kind: "build-trace", ...outcome.value }) : outcome;
}

/**
 * Returns the JSON that Nix would write: keys sorted, no spaces. A realisation
 * has its signatures as strings, because Nix before 2.35 reads nothing else. A
 * build trace entry has them as objects.
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

/**
 * Returns the text that signatures of a realisation sign: Nix's own JSON without
 * the signatures (`Realisation::fingerprint`, Nix 2.8 to 2.34).
 */
export function realisationFingerprint(realisation: Realisation): string {
  return formatSorted({
    id: realisation.id,
    outPath: formatStorePathBaseName(realisation.outPath),
    dependentRealisations: sortKeys(Object.fromEntries(realisation.dependentRealisations)),
  });
}

/**
 * Returns the text that signatures of a build trace entry sign. Since Nix 2.35
 * it includes the key (`UnkeyedRealisation::fingerprint`).
 */
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
 * Returns `existing` with the signatures of `incoming` added. Returns an error
 * if the two contradict each other. It is no contradiction if only one of them
 * lists dependencies, as in `Realisation::isCompatibleWith`: some versions of
 * Nix leave the dependencies out.
 */
export function mergeRealisation<T extends Realisation | BuildTraceEntry>(
  existing: T,
  incoming: T,
): Result<T> {
  if (formatStorePathBaseName(existing.outPath) !== formatStorePathBaseName(incoming.outPath)) {
    return err("the stored realisation names another output path");
  }
  if (existing.kind === "realisation" && incoming.kind === "realisation") {
    if (existing.id !== incoming.id) return err("the stored realisation is for another output");
    const [ours, theirs] = [existing.dependentRealisations, incoming.dependentRealisations];
    const isSame =
      ours.size === theirs.size && [...ours].every(([id, path]) => theirs.get(id) === path);
    if (ours.size > 0 && theirs.size > 0 && !isSame) {
      return err("the stored realisation lists other dependencies");
    }
  }
  return ok({ ...existing, signatures: mergeSignatures(existing.signatures, incoming.signatures) });
}

// Nix nests three levels. Writing JSON recurses, so 100,000 levels would overflow the stack.
const MAX_NESTING = 64;

/** Returns the deepest nesting of a JSON text. Brackets in strings count too: no realisation has many. */
function nestingOf(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of text) {
    if (character === "{" || character === "[") deepest = Math.max(deepest, ++depth);
    else if (character === "}" || character === "]") depth--;
  }
  return deepest;
}

function parseJsonObject(text: string): Result<Record<string, unknown>> {
  if (nestingOf(text) > MAX_NESTING) return err("it is nested too deeply");
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
  if (!Array.isArray(rawSignatures)) return err("the signatures field is not an array");
  const signatures: string[] = [];
  for (const raw of rawSignatures as unknown[]) {
    const text = isObject(raw) ? `${String(raw["keyName"])}:${String(raw["sig"])}` : raw;
    if (typeof text !== "string" || !parseSignature(text).ok) {
      return err("the signatures field holds a value that is not a signature");
    }
    signatures.push(text);
  }
  return ok({ outPath: outPath.value, signatures, rest });
}

function parseDependencies(raw: unknown): Result<ReadonlyMap<string, string>> {
  if (!isObject(raw)) return err("the dependentRealisations field is not an object");
  const dependencies = new Map<string, string>();
  for (const [id, path] of Object.entries(raw)) {
    if (!parseDrvOutputId(id).ok || typeof path !== "string" || !parseStorePathBaseName(path).ok) {
      return err("the dependentRealisations field holds a wrong id or a wrong store path");
    }
    dependencies.set(id, path);
  }
  return ok(dependencies);
}

function toSignatureObject(text: string): { keyName: string; sig: string } {
  const signature = parseSignature(text);
  if (!signature.ok) throw new TypeError("a signature of the realisation is malformed");
  return { keyName: signature.value.keyName, sig: encodeBase64(signature.value.bytes) };
}

function formatSorted(object: Record<string, unknown>): string {
  return JSON.stringify(sortKeys(object));
}

function sortKeys(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
