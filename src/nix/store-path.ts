import { err, ok, type Result } from "../result.ts";

declare const brand: unique symbol;

/** The first 32 characters of a store path's base name: 160 bits in nix32. */
export type StorePathHash = string & { readonly [brand]: "StorePathHash" };

/** What follows the hash and its dash; also the form of an output's name. */
export type StorePathName = string & { readonly [brand]: "StorePathName" };

export interface StorePath {
  readonly hash: StorePathHash;
  readonly name: StorePathName;
}

/**
 * A file name has at most 255 bytes, of which the longest that Nix makes of a
 * name, `<hash>-<name>.drv.chroot`, needs 255 − 32 − 1 − 4 − 7 = 211 for it.
 */
const MAX_NAME_LENGTH = 211;

export function parseStorePathHash(text: string): Result<StorePathHash> {
  return isStorePathHash(text) ? ok(text) : err("store path hash is not 32 nix32 characters");
}

/**
 * Holds a name to the rules of `checkName` in libstore/path.cc. Those on a
 * leading dot came after Nix 2.8, whose paths would be refused by later ones.
 */
export function parseStorePathName(text: string): Result<StorePathName> {
  if (text === "") return err("store path name is empty");
  if (text.length > MAX_NAME_LENGTH) {
    return err(`store path name is longer than ${MAX_NAME_LENGTH} characters`);
  }
  if (/^\.\.?(?:-|$)/.test(text)) return err('store path name begins with a component "." or ".."');
  return isStorePathName(text) ? ok(text) : err("store path name holds a forbidden character");
}

/** Reads `<hash>-<name>`, as in References, Deriver and `log/`. */
export function parseStorePathBaseName(text: string): Result<StorePath> {
  if (text.charAt(32) !== "-") return err("store path has no dash after 32 characters");
  const hash = parseStorePathHash(text.slice(0, 32));
  if (!hash.ok) return hash;
  const name = parseStorePathName(text.slice(33));
  if (!name.ok) return name;
  return ok({ hash: hash.value, name: name.value });
}

/**
 * Reads a full path, which must lie directly in `storeDir`. Nix would first
 * drop "." and repeated slashes; here a path has one spelling.
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

function isStorePathHash(text: string): text is StorePathHash {
  return /^[0-9a-df-np-sv-z]{32}$/.test(text);
}

function isStorePathName(text: string): text is StorePathName {
  return /^[0-9A-Za-z+\-._?=]+$/.test(text);
}
