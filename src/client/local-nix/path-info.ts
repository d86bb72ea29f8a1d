import { formatHash, type Hash, parseHash } from "../../nix/hash.ts";
import { parseStorePath, parseStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import { readField, readList } from "../read-field.ts";

/** The entry of one valid path in the database of a store. */
export interface PathInfo {
  readonly path: StorePath;
  readonly narHash: Hash;
  /** Bytes of the uncompressed NAR. */
  readonly narSize: number;
  /** Sorted by base name, as in a narinfo. The path itself may be among them. */
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | undefined;
  /** Each is `name:base64`. */
  readonly signatures: readonly string[];
  /** As in the CA field of a narinfo. */
  readonly contentAddress: string | undefined;
  /** Whether the path was built in this store. False for a path that was copied into it. */
  readonly isUltimate: boolean;
}

/**
 * Parses the output of `nix path-info --json`. It has four formats:
 *
 * - up to Nix 2.18, and in Lix: an array of objects with `path` and `valid`;
 * - from Nix 2.19: an object with full paths as keys, and `null` for an invalid path;
 * - from Nix 2.33 with `--json-format 2`: `{ version, storeDir, info }`. The keys of `info` and
 *   all paths in it are base names, and `ca` is `{ method, hash }`;
 * - from Nix 2.35 with `--json-format 3`: the same, and signatures are `{ keyName, sig }`.
 *
 * Hashes are `sha256:` with nix32 up to Nix 2.3, and SRI in later versions. The
 * result leaves out invalid paths.
 */
export function parsePathInfos(text: string, storeDir: string): Result<readonly PathInfo[]> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err("it is not JSON");
  }
  const infos: PathInfo[] = [];
  for (const [path, value] of listEntries(json)) {
    if (value === null || readField(value, "valid") === false) continue;
    const info = parsePathInfo(path, value, storeDir);
    if (!info.ok) return err(`${String(path)}: ${info.error}`);
    infos.push(info.value);
  }
  return ok(infos);
}

function listEntries(json: unknown): readonly (readonly [unknown, unknown])[] {
  if (Array.isArray(json)) return json.map((value: unknown) => [readField(value, "path"), value]);
  const byPath = readField(json, "info") ?? json;
  return typeof byPath === "object" && byPath !== null ? Object.entries(byPath) : [];
}

function parsePathInfo(key: unknown, value: unknown, storeDir: string): Result<PathInfo> {
  const path = parsePath(key, storeDir);
  if (!path.ok) return path;
  const narHash = parseHashField(readField(value, "narHash"));
  if (!narHash.ok) return err(`narHash: ${narHash.error}`);
  const narSize = readField(value, "narSize");
  if (typeof narSize !== "number" || !Number.isSafeInteger(narSize) || narSize <= 0) {
    return err("narSize is not a number of bytes");
  }
  const references = new Map<string, StorePath>();
  for (const text of readList(value, "references")) {
    const reference = parsePath(text, storeDir);
    if (!reference.ok) return err(`references: ${reference.error}`);
    references.set(`${reference.value.hash}-${reference.value.name}`, reference.value);
  }
  const deriver = parseDeriver(readField(value, "deriver"), storeDir);
  if (!deriver.ok) return err(`deriver: ${deriver.error}`);
  const contentAddress = parseContentAddress(readField(value, "ca"));
  if (!contentAddress.ok) return err(`ca: ${contentAddress.error}`);
  return ok({
    path: path.value,
    narHash: narHash.value,
    narSize,
    // Base names are ASCII, so the UTF-16 order of < is the byte order that Nix uses.
    references: [...references].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, at]) => at),
    deriver: deriver.value,
    signatures: readList(value, "signatures").flatMap(formatSignatureField),
    contentAddress: contentAddress.value,
    // Older versions leave the field out if it is false.
    isUltimate: readField(value, "ultimate") === true,
  });
}

function parsePath(value: unknown, storeDir: string): Result<StorePath> {
  if (typeof value !== "string") return err("it is not a store path");
  return value.startsWith("/") ? parseStorePath(value, storeDir) : parseStorePathBaseName(value);
}

function parseHashField(value: unknown): Result<Hash> {
  if (typeof value === "string") return parseHash(value);
  // Development versions between 2.32 and 2.33 print an object with the parts of the hash.
  const algorithm = readField(value, "algorithm");
  const digest = readField(value, "hash");
  if (typeof algorithm !== "string" || typeof digest !== "string") return err("it is not a hash");
  return parseHash(`${algorithm}:${digest}`);
}

/**
 * Accepts a missing deriver, an empty one and null: versions of Nix differ in how
 * they print an unknown deriver.
 */
function parseDeriver(value: unknown, storeDir: string): Result<StorePath | undefined> {
  if (value === undefined || value === null || value === "") return ok(undefined);
  return parsePath(value, storeDir);
}

/** The prefixes that `ContentAddressMethod::renderPrefix` in libstore/content-address.cc writes. */
const METHOD_PREFIXES: ReadonlyMap<unknown, string> = new Map([
  ["text", "text:"],
  ["flat", "fixed:"],
  ["nar", "fixed:r:"],
  ["git", "fixed:git:"],
]);

function parseContentAddress(value: unknown): Result<string | undefined> {
  if (value === undefined || value === null || value === "") return ok(undefined);
  if (typeof value === "string") return ok(value);
  const prefix = METHOD_PREFIXES.get(readField(value, "method"));
  const hash = parseHashField(readField(value, "hash"));
  if (prefix === undefined) return err("unknown method");
  return hash.ok ? ok(prefix + formatHash(hash.value, "nix32")) : hash;
}

function formatSignatureField(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  const keyName = readField(value, "keyName");
  const bytes = readField(value, "sig");
  return typeof keyName === "string" && typeof bytes === "string" ? [`${keyName}:${bytes}`] : [];
}
