import { err, ok, type Result } from "../result.ts";
import { findConflict, parseContentAddress } from "./content-address.ts";
import { type Hash, parseHash } from "./hash.ts";
import { parseNarinfoFields, type NarinfoField } from "./narinfo-fields.ts";
import { parseStorePath, parseStorePathBaseName, type StorePath } from "./store-path.ts";

/**
 * The largest narinfo that the gateway writes. Honest ones are far smaller: a
 * reference takes at most 32 + 1 + 211 + 1 = 245 bytes, so this limit holds 8,500
 * of the longest, and 35,000 usual ones.
 */
export const MAX_NARINFO_BYTES = 2 * 1024 * 1024;

/**
 * The largest stored narinfo that a push reads and merges into. It lies above the
 * limit for writing, so the gateway can always read back what it wrote.
 */
export const MAX_STORED_NARINFO_BYTES = 2 * MAX_NARINFO_BYTES;

/** The metadata of one store path, with every line that it was read from. */
export interface Narinfo {
  readonly storePath: StorePath;
  /** As written: relative to the cache or absolute, and possibly outside `nar/`. */
  readonly url: string;
  /** As written, known to Nix or not; "bzip2" where the field is missing or empty. */
  readonly compression: string;
  readonly fileHash: Hash | undefined;
  /** Bytes, compressed. Clients verify neither this nor `fileHash`. */
  readonly fileSize: number | undefined;
  readonly narHash: Hash;
  /** Bytes, unpacked. */
  readonly narSize: number;
  /** Each once, in the order written; may include the path itself. */
  readonly references: readonly StorePath[];
  /** A base name; `undefined` for "unknown-deriver" too. */
  readonly deriver: string | undefined;
  /** As written, which may be malformed: older clients pass over such, newer refuse the narinfo. */
  readonly signatures: readonly string[];
  /** Well-formed and possible with these references, but not proved to be of this path. */
  readonly contentAddress: string | undefined;
  /** Every line in order, unknown ones too, so that formatting gives back the same bytes. */
  readonly fields: readonly NarinfoField[];
}

/**
 * Reads a narinfo as Nix does (libstore/nar-info.cc), and refuses what two
 * versions of Nix, or Nix and a person, would read differently: repeated
 * fields, missing spaces, signs and leading zeros in sizes.
 *
 * The caller decodes bytes as UTF-8, fatally and keeping a byte order mark.
 * Errors are one clause for a person, and never quote the text.
 */
export function parseNarinfo(text: string, storeDir: string): Result<Narinfo> {
  const fields = parseNarinfoFields(text);
  if (!fields.ok) return fields;
  const { single } = fields.value;

  const storePath = parseField("StorePath", single, (value) => parseStorePath(value, storeDir));
  if (!storePath.ok) return storePath;
  const url = single.get("URL") ?? "";
  if (url === "") return err("URL is missing");
  const fileHash = parseOptionalField("FileHash", single, parseHash);
  if (!fileHash.ok) return fileHash;
  const fileSize = parseOptionalField("FileSize", single, parseSize);
  if (!fileSize.ok) return fileSize;
  const narHash = parseField("NarHash", single, parseHash);
  if (!narHash.ok) return narHash;
  if (narHash.value.algorithm !== "sha256") return err("NarHash is not a sha256 hash");
  const narSize = parseField("NarSize", single, parseSize);
  if (!narSize.ok) return narSize;
  if (narSize.value === 0) return err("NarSize is zero");
  const references = parseOptionalField("References", single, parseReferences);
  if (!references.ok) return references;
  const deriver = parseOptionalField("Deriver", single, parseDeriver);
  if (!deriver.ok) return deriver;
  // Nix takes an empty CA for none.
  const contentAddress = single.get("CA") || undefined;
  if (contentAddress !== undefined) {
    const address = parseContentAddress(contentAddress);
    if (!address.ok) return err(`CA is wrong: ${address.error}`);
    const conflict = findConflict(address.value, references.value ?? [], storePath.value);
    if (conflict !== undefined) return err(`CA is wrong: ${conflict}`);
  }

  return ok({
    storePath: storePath.value,
    url,
    compression: single.get("Compression") || "bzip2",
    fileHash: fileHash.value,
    fileSize: fileSize.value,
    narHash: narHash.value,
    narSize: narSize.value,
    references: references.value ?? [],
    deriver: deriver.value,
    signatures: fields.value.all.filter(isSignature).map((field) => field.value),
    contentAddress,
    fields: fields.value.all,
  });
}

/** For what was parsed, the same bytes. */
export function formatNarinfo(narinfo: Narinfo): string {
  return narinfo.fields.map(({ name, value }) => `${name}: ${value}\n`).join("");
}

/**
 * Replaces all signatures, in the place of the first one. Without one they
 * go where Nix writes them: before CA, else last.
 *
 * Throws on a signature with a control character, which could add a field.
 */
export function withSignatures(narinfo: Narinfo, signatures: readonly string[]): Narinfo {
  // oxlint-disable-next-line no-control-regex
  if (signatures.some((value) => /[\0-\x1f\x7f]/.test(value))) {
    throw new TypeError("a signature holds a control character");
  }
  const { fields } = narinfo;
  const place = [fields.findIndex(isSignature), fields.findIndex(({ name }) => name === "CA")].find(
    (index) => index !== -1,
  );
  const before = fields.slice(0, place);
  const after =
    place === undefined ? [] : fields.slice(place).filter((field) => !isSignature(field));
  const added = signatures.map((value) => ({ name: "Sig", value }));
  return { ...narinfo, signatures: [...signatures], fields: [...before, ...added, ...after] };
}

function isSignature(field: NarinfoField): boolean {
  return field.name === "Sig";
}

function parseField<T>(
  name: string,
  fields: ReadonlyMap<string, string>,
  parse: (value: string) => Result<T>,
): Result<T> {
  const value = fields.get(name);
  if (value === undefined) return err(`${name} is missing`);
  const parsed = parse(value);
  return parsed.ok ? parsed : err(`${name} is wrong: ${parsed.error}`);
}

function parseOptionalField<T>(
  name: string,
  fields: ReadonlyMap<string, string>,
  parse: (value: string) => Result<T>,
): Result<T | undefined> {
  return fields.has(name) ? parseField(name, fields, parse) : ok(undefined);
}

function parseSize(text: string): Result<number> {
  const size = Number(text);
  return /^(?:0|[1-9]\d*)$/.test(text) && Number.isSafeInteger(size)
    ? ok(size)
    : err("it is not a plain number of bytes");
}

function parseReferences(text: string): Result<readonly StorePath[]> {
  const references = new Map<string, StorePath>();
  for (const baseName of text.split(" ")) {
    if (baseName === "") continue;
    const path = parseStorePathBaseName(baseName);
    if (!path.ok) return path;
    references.set(baseName, path.value);
  }
  return ok([...references.values()]);
}

function parseDeriver(text: string): Result<string | undefined> {
  if (text === "unknown-deriver") return ok(undefined);
  const path = parseStorePathBaseName(text);
  return path.ok ? ok(text) : path;
}
