import { formatHash, type Hash, parseHash } from "../../nix/hash.ts";
import { parseStorePath, parseStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import { readField, readList } from "../read-field.ts";

/** What a store database says of one valid path. */
export interface PathInfo {
  readonly path: StorePath;
  readonly narHash: Hash;
  /** Bytes, unpacked. */
  readonly narSize: number;
  /** Sorted by base name, as narinfos have them; may include the path itself. */
  readonly references: readonly StorePath[];
  readonly deriver: StorePath | undefined;
  /** As `name:base64`. */
  readonly signatures: readonly string[];
  /** As in a narinfo's CA. */
  readonly contentAddress: string | undefined;
  /** Whether it was built in this store, and not copied into it. */
  readonly isUltimate: boolean;
}

/**
 * Reads what `nix path-info --json` prints. There are four shapes of it:
 *
 * - up to 2.18, and Lix: an array of objects with `path` and `valid`;
 * - from 2.19: an object by full path, with `null` for what is not valid;
 * - from 2.33 with `--json-format 2`: `{ version, storeDir, info }`, by base name, and
 *   with base names inside; `ca` is `{ method, hash }`;
 * - from 2.35 with `--json-format 3`: signatures are `{ keyName, sig }` besides.
 *
 * Hashes are `sha256:` and nix32 up to 2.3, SRI since. Invalid paths are left out.
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
    // Base names are ASCII, so that UTF-16 order is byte order.
    references: [...references].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, at]) => at),
    deriver: deriver.value,
    signatures: readList(value, "signatures").flatMap(formatSignatureField),
    contentAddress: contentAddress.value,
    // Left out by older versions where it is false.
    isUltimate: readField(value, "ultimate") === true,
  });
}

function parsePath(value: unknown, storeDir: string): Result<StorePath> {
  if (typeof value !== "string") return err("it is not a store path");
  return value.startsWith("/") ? parseStorePath(value, storeDir) : parseStorePathBaseName(value);
}

function parseHashField(value: unknown): Result<Hash> {
  if (typeof value === "string") return parseHash(value);
  // Development versions between 2.32 and 2.33 took the hash apart.
  const algorithm = readField(value, "algorithm");
  const digest = readField(value, "hash");
  if (typeof algorithm !== "string" || typeof digest !== "string") return err("it is not a hash");
  return parseHash(`${algorithm}:${digest}`);
}

/** Older versions leave it out where it is not known. */
function parseDeriver(value: unknown, storeDir: string): Result<StorePath | undefined> {
  if (value === undefined || value === null || value === "") return ok(undefined);
  return parsePath(value, storeDir);
}

/** The prefixes of `ContentAddressMethod::renderPrefix` in libstore/content-address.cc. */
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
  if (prefix === undefined) return err("its method is not known");
  return hash.ok ? ok(prefix + formatHash(hash.value, "nix32")) : hash;
}

function formatSignatureField(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  const keyName = readField(value, "keyName");
  const bytes = readField(value, "sig");
  return typeof keyName === "string" && typeof bytes === "string" ? [`${keyName}:${bytes}`] : [];
}
