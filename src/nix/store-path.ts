import { err, ok, type Result } from "../result.ts";

declare const brand: unique symbol;

/** The first 32 characters of a store path's base name: 160 bits in nix32. */
export type StorePathHash = string & { readonly [brand]: "StorePathHash" };

/** The part of a store path's base name after the hash and the dash. Output names have the same form. */
export type StorePathName = string & { readonly [brand]: "StorePathName" };

export interface StorePath {
  readonly hash: StorePathHash;
  readonly name: StorePathName;
}

/**
 * The longest name of a store path. A file name has at most 255 bytes, and the
 * longest file name that Nix makes is `<hash>-<name>.drv.chroot`. This leaves
 * 255 − 32 (hash) − 1 (dash) − 4 (.drv) − 7 (.chroot) = 211 bytes for the name.
 */
const MAX_NAME_LENGTH = 211;

/** Parses the hash part of a store path. The error is a clause without a full stop. */
export function parseStorePathHash(text: string): Result<StorePathHash> {
  return isStorePathHash(text) ? ok(text) : err("store path hash is not 32 nix32 characters");
}

/**
 * Parses the name part of a store path by the rules of `checkName` in
 * libstore/path.cc. The rules for a dot at the beginning came after Nix 2.8.
 * A name that only Nix 2.8 and older accept is refused, because newer versions
 * refuse it too.
 */
export function parseStorePathName(text: string): Result<StorePathName> {
  if (text === "") return err("store path name is empty");
  if (text.length > MAX_NAME_LENGTH) {
    return err(`store path name is longer than ${MAX_NAME_LENGTH} characters`);
  }
  if (/^\.\.?(?:-|$)/.test(text)) {
    return err('store path name is "." or "..", or begins with ".-" or "..-"');
  }
  return isStorePathName(text)
    ? ok(text)
    : err("store path name holds a character other than A-Z, a-z, 0-9 and + - . _ ? =");
}

/** Parses `<hash>-<name>`, as in the fields References and Deriver, and in `log/`. */
export function parseStorePathBaseName(text: string): Result<StorePath> {
  if (text.charAt(32) !== "-") return err("store path has no dash after 32 characters");
  const hash = parseStorePathHash(text.slice(0, 32));
  if (!hash.ok) return hash;
  const name = parseStorePathName(text.slice(33));
  if (!name.ok) return name;
  return ok({ hash: hash.value, name: name.value });
}

/**
 * Parses a full store path, which must lie directly in `storeDir`. Nix would
 * first remove "." and repeated slashes. This parser refuses them, so that a
 * path has only one spelling.
 */
export function parseStorePath(text: string, storeDir: string): Result<StorePath> {
  if (!text.startsWith(`${storeDir}/`)) return err("store path is not in the store directory");
  return parseStorePathBaseName(text.slice(storeDir.length + 1));
}

export function formatStorePathBaseName(path: StorePath): string {
  return `${path.hash}-${path.name}`;
}

export function formatStorePath(path: StorePath, storeDir: string): string {
  return `${storeDir}/${formatStorePathBaseName(path)}`;
}

export function equalStorePaths(a: StorePath, b: StorePath): boolean {
  return a.hash === b.hash && a.name === b.name;
}

/**
 * Returns the name without its version: the part before the first dash that no letter
 * follows, as Nix's `DrvName` reads it (libstore/names.cc). `hello-2.12.1-doc` gives `hello`.
 */
export function packageNameOf(name: StorePathName): string {
  const end = name.search(/-[^A-Za-z]/);
  return end < 0 ? name : name.slice(0, end);
}

function isStorePathHash(text: string): text is StorePathHash {
  return /^[0-9a-df-np-sv-z]{32}$/.test(text);
}

function isStorePathName(text: string): text is StorePathName {
  return /^[0-9A-Za-z+\-._?=]+$/.test(text);
}
