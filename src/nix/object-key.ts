import { err, ok, type Result } from "../result.ts";
import { parseNix32 } from "./encodings.ts";
import { isNarExtension, narExtension } from "./compression.ts";
import { type DrvOutputId, parseDrvOutputId, parseOutputName } from "./drv-output.ts";
import { formatDigest, type Hash } from "./hash.ts";
import { decodeRequestPath } from "./request-path.ts";
import {
  parseStorePathBaseName,
  parseStorePathHash,
  type StorePath,
  type StorePathHash,
} from "./store-path.ts";

/**
 * The names under which a binary cache may hold objects.
 *
 * Every request path passes through `parseObjectKey` before it reaches the
 * edge cache or the bucket, so nothing past this module sees a raw path. The
 * parser refuses every name of an unknown kind. It never repairs a name.
 */
export type ObjectKey =
  | CacheInfoKey
  | NarinfoKey
  | ListingKey
  | NarKey
  | LogKey
  | RealisationKey
  | BuildTraceKey
  | DebuginfoKey;

export type ObjectKind = ObjectKey["kind"];

declare const brand: unique symbol;

/**
 * A checked name of an object, relative to the cache's prefix in the bucket and
 * without percent-encoding. It is printable ASCII, without "\", "%" or "#", and
 * no segment is empty, "." or "..". One object has exactly one path.
 */
export type ObjectPath = string & { readonly [brand]: "ObjectPath" };

interface Key<K extends string> {
  readonly kind: K;
  readonly path: ObjectPath;
}

/** `nix-cache-info` */
export type CacheInfoKey = Key<"cache-info">;

/** `<hash>.narinfo` */
export interface NarinfoKey extends Key<"narinfo"> {
  readonly hash: StorePathHash;
}

/** `<hash>.ls` */
export interface ListingKey extends Key<"listing"> {
  readonly hash: StorePathHash;
}

/** `nar/…` */
export interface NarKey extends Key<"nar"> {
  /**
   * The SHA-256 of the stored bytes in nix32, if the name promises it by its form
   * `nar/<hash>.nar[.ext]`. `undefined` for other names.
   */
  readonly fileHash: string | undefined;
  /** The extension with its dot, such as `.zst`. Empty if there is no `fileHash`. */
  readonly extension: string;
  /** Whether Nix writes such a name. Old buckets hold other names, which clients may only read. */
  readonly writable: boolean;
}

/** `log/<store path>` */
interface LogKey extends Key<"log"> {
  readonly storePath: StorePath;
}

/** `realisations/<id>.doi`, in Nix 2.4 to 2.34 */
export interface RealisationKey extends Key<"realisation"> {
  readonly id: DrvOutputId;
}

/** `build-trace-v2/<drv>/<output>.doi`, since Nix 2.35 */
export interface BuildTraceKey extends Key<"build-trace"> {
  readonly drvPath: StorePath;
  readonly outputName: string;
}

/** `debuginfo/<build id>[.debug]` */
interface DebuginfoKey extends Key<"debuginfo"> {
  readonly buildId: string;
}

/**
 * Parses the path of a request exactly as the client sent it: with its first
 * "/", without the query, still percent-encoded. The caller must not take the
 * path from a `URL`, which resolves ".." and "%2e%2e" before this parser could
 * refuse them.
 */
export function parseObjectKey(rawPath: string): Result<ObjectKey> {
  const segments = decodeRequestPath(rawPath);
  return segments.ok ? parseSegments(segments.value) : segments;
}

/**
 * Parses the name of an object in the bucket, relative to the prefix. Nothing decodes it: an
 * object whose name holds a "%" is another one than the object that its decoded name says.
 */
export function parseObjectPath(path: string): Result<ObjectKey> {
  return path.includes("%") ? unknownName : parseObjectKey(`/${path}`);
}

/**
 * Parses the URL field of a narinfo before the narinfo is published. The URL
 * must be relative, inside `nar/` and without a query. Clients would follow any
 * other URL too, to any server.
 */
export function parseNarUrl(url: string): Result<NarKey> {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) return err("URL is absolute");
  if (url.startsWith("/")) return err("URL does not begin with nar/");
  const key = parseObjectKey(`/${url}`);
  if (!key.ok) return err(`URL is wrong: ${key.error}`);
  return key.value.kind === "nar" ? ok(key.value) : err("URL does not begin with nar/");
}

export const CACHE_INFO_KEY: CacheInfoKey = {
  kind: "cache-info",
  path: brandPath("nix-cache-info"),
};

export function narinfoKey(hash: StorePathHash): NarinfoKey {
  return { kind: "narinfo", path: brandPath(`${hash}.narinfo`), hash };
}

/**
 * Returns the key that Nix gives to a NAR whose compressed bytes have this
 * SHA-256. Throws a `TypeError` for a hash of another algorithm.
 */
export function narKey(fileHash: Hash, compression: string): NarKey {
  if (fileHash.algorithm !== "sha256") throw new TypeError("a NAR's name needs a sha256 hash");
  const digest = formatDigest(fileHash, "nix32");
  const extension = narExtension(compression);
  const path = brandPath(`nar/${digest}.nar${extension}`);
  return { kind: "nar", path, fileHash: digest, extension, writable: true };
}

function parseSegments(segments: readonly string[]): Result<ObjectKey> {
  const [first = "", second = "", third = ""] = segments;
  if (first === "nar") return parseNarName(segments.slice(1));
  switch (segments.length) {
    case 1:
      return parseTopLevelName(first);
    case 2:
      if (first === "log") return parseLogName(second);
      if (first === "realisations") return parseRealisationName(second);
      if (first === "debuginfo") return parseDebuginfoName(second);
      return unknownName;
    case 3:
      return first === "build-trace-v2" ? parseBuildTraceName(second, third) : unknownName;
    default:
      return unknownName;
  }
}

const unknownName = err("no object of a binary cache has this name");

function parseTopLevelName(name: string): Result<CacheInfoKey | NarinfoKey | ListingKey> {
  if (name === CACHE_INFO_KEY.path) return ok(CACHE_INFO_KEY);
  const [, stem = "", suffix] = /^(.{32})\.(narinfo|ls)$/.exec(name) ?? [];
  const hash = parseStorePathHash(stem);
  if (suffix === undefined || !hash.ok) return unknownName;
  return suffix === "narinfo" ? ok(narinfoKey(hash.value)) : ok(listingKey(hash.value));
}

/** Returns the key of the listing of a path's NAR. */
export function listingKey(hash: StorePathHash): ListingKey {
  return { kind: "listing", path: brandPath(`${hash}.ls`), hash };
}

function parseNarName(segments: readonly string[]): Result<NarKey> {
  const isSane = segments.every((segment) => /^[0-9A-Za-z+._=~-]{1,255}$/.test(segment));
  if (segments.length < 1 || segments.length > 4 || !isSane) return unknownName;
  const name = segments.join("/");
  const path = brandPath(`nar/${name}`);
  const [, fileHash = "", extension = ""] =
    /^([0-9a-z]{52})\.nar((?:\.[0-9a-z]+)?)$/.exec(name) ?? [];
  // 52 digits carry 260 bits, and a SHA-256 has 256. Parsing checks that the 4 unused bits are zero.
  if (fileHash === "" || !parseNix32(fileHash).ok) {
    return ok({ kind: "nar", path, fileHash: undefined, extension: "", writable: false });
  }
  return ok({ kind: "nar", path, fileHash, extension, writable: isNarExtension(extension) });
}

function parseLogName(name: string): Result<LogKey> {
  const storePath = parseStorePathBaseName(name);
  return storePath.ok
    ? ok({ kind: "log", path: brandPath(`log/${name}`), storePath: storePath.value })
    : unknownName;
}

function parseRealisationName(name: string): Result<RealisationKey> {
  if (!name.endsWith(".doi")) return unknownName;
  const id = parseDrvOutputId(name.slice(0, -".doi".length));
  return id.ok
    ? ok({ kind: "realisation", path: brandPath(`realisations/${name}`), id: id.value })
    : unknownName;
}

function parseBuildTraceName(drv: string, name: string): Result<BuildTraceKey> {
  const drvPath = parseStorePathBaseName(drv);
  if (!drvPath.ok || !drv.endsWith(".drv") || !name.endsWith(".doi")) return unknownName;
  const outputName = parseOutputName(name.slice(0, -".doi".length));
  if (!outputName.ok) return unknownName;
  return ok({
    kind: "build-trace",
    path: brandPath(`build-trace-v2/${drv}/${name}`),
    drvPath: drvPath.value,
    outputName: outputName.value,
  });
}

function parseDebuginfoName(name: string): Result<DebuginfoKey> {
  // Nix writes 40 digits: GNU ld makes a build id from a SHA-1. Other linkers make other lengths.
  const [, buildId] = /^((?:[0-9a-f]{2}){8,64})(?:\.debug)?$/.exec(name) ?? [];
  return buildId === undefined
    ? unknownName
    : ok({ kind: "debuginfo", path: brandPath(`debuginfo/${name}`), buildId });
}

/** The only place that brands a text as an `ObjectPath`. */
function brandPath(path: string): ObjectPath {
  return path as ObjectPath;
}

/**
 * Returns the SHA-256 in a NAR's name, in lower-case hex. Returns `undefined`
 * for a name that Nix never writes.
 */
export function narSha256(key: NarKey): string | undefined {
  const hash = key.writable && key.fileHash !== undefined ? parseNix32(key.fileHash) : undefined;
  if (hash === undefined || !hash.ok) return undefined;
  return formatDigest({ algorithm: "sha256", bytes: hash.value }, "base16");
}
