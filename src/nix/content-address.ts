import { err, ok, type Result } from "../result.ts";
import { encodeNix32 } from "./encodings.ts";
import { formatHash, type Hash, isHashAlgorithm, parseHash } from "./hash.ts";
import {
  equalStorePaths,
  formatStorePath,
  parseStorePathHash,
  parseStorePathName,
  type StorePath,
} from "./store-path.ts";

/**
 * The hash of a store path's content, from which the path's own hash follows.
 * A path with a content address needs no signature: a client computes the name
 * of the path from the content again, and compares.
 */
export interface ContentAddress {
  readonly method: keyof typeof PREFIXES;
  readonly hash: Hash;
}

const PREFIXES = { text: "text:", flat: "fixed:", nar: "fixed:r:", git: "fixed:git:" } as const;

/**
 * Parses the CA field of a narinfo, as `ContentAddress::parse` does
 * (libstore/content-address.cc). The error is a clause without a full stop.
 */
export function parseContentAddress(text: string): Result<ContentAddress> {
  const match = /^(text:|fixed:(?:r:|git:)?)([a-z0-9]+:[^:]+)$/.exec(text);
  if (match === null) {
    return err(
      "content address is not text:<hash>, fixed:<hash>, fixed:r:<hash> or fixed:git:<hash>",
    );
  }
  const hash = parseHash(match[2] ?? "");
  if (!hash.ok) return hash;
  return ok({ method: methodOf(match[1] ?? ""), hash: hash.value });
}

/**
 * Whether a CA field has the form of a content address with a hash algorithm that
 * this version does not know, such as BLAKE3. Nix may be newer than the gateway: it
 * is then an address that the gateway cannot prove, and no mistake.
 */
export function hasUnknownAlgorithm(text: string): boolean {
  const match = /^(?:text:|fixed:(?:r:|git:)?)([a-z0-9]{1,32})[:-][0-9A-Za-z+/=]{1,256}$/.exec(
    text,
  );
  return match !== null && !isHashAlgorithm(match[1] ?? "");
}

/** Returns the content address as a CA field has it, with the hash in nix32. */
export function formatContentAddress(address: ContentAddress): string {
  return PREFIXES[address.method] + formatHash(address.hash, "nix32");
}

/**
 * Returns the store path that follows from a content address, a name and
 * references, in `storeDir` (libstore/store-dir-config.cc,
 * `makeFixedOutputPathFromCA`).
 *
 * `self` is the store path that the content claims to have. A path that refers
 * to itself cannot contain its own name in the hash that makes this name. So
 * the hash covers the mark ":self" in the place of that reference.
 *
 * Returns an error for an impossible pair of address and references, and for a
 * malformed name.
 */
export async function computeStorePath(
  address: ContentAddress,
  name: string,
  references: readonly StorePath[],
  storeDir: string,
  self?: StorePath,
): Promise<Result<StorePath>> {
  const { method, hash } = address;
  const conflict = findConflict(address, references, self);
  if (conflict !== undefined) return err(conflict);
  if (method === "text" || isSource(address)) {
    const isSelf = (path: StorePath) => self !== undefined && equalStorePaths(path, self);
    const others = new Set(
      references.filter((path) => !isSelf(path)).map((path) => formatStorePath(path, storeDir)),
    );
    const type = [method === "text" ? "text" : "source", ...[...others].toSorted()];
    if (references.some(isSelf)) type.push("self");
    return await makeStorePath(type, hash, name, storeDir);
  }
  const prefix = PREFIXES[method].replace("fixed:", "fixed:out:");
  const inner = await hashText(`${prefix}${formatHash(hash, "base16")}:`);
  return await makeStorePath(["output", "out"], inner, name, storeDir);
}

/**
 * Returns why no store path can have this address together with these
 * references, as a clause without a full stop. Returns `undefined` if a path
 * can have them.
 *
 * Clients must never see such a pair. For a text address that is not sha256 or
 * that refers to itself, Nix since 2.16 aborts (assertions in path-info.cc and
 * store-dir-config.cc). For the other pairs Nix throws, and the build fails.
 */
export function findConflict(
  address: ContentAddress,
  references: readonly StorePath[],
  self: StorePath | undefined,
): string | undefined {
  const { method, hash } = address;
  if (method === "text") {
    if (hash.algorithm !== "sha256") return "the hash of a text content address must be sha256";
    return references.some((path) => self !== undefined && equalStorePaths(path, self))
      ? "a path with a text content address cannot have a reference to itself"
      : undefined;
  }
  if (method === "git" && hash.algorithm !== "sha1" && hash.algorithm !== "sha256") {
    return "the hash of a git content address must be sha1 or sha256";
  }
  return references.length > 0 && !isSource(address)
    ? "a path with this content address cannot have references: only text: and fixed:r:sha256: allow them"
    : undefined;
}

/** Whether the address is of the only fixed-output method that allows references. */
function isSource({ method, hash }: ContentAddress): boolean {
  return method === "nar" && hash.algorithm === "sha256";
}

async function makeStorePath(
  type: readonly string[],
  inner: Hash,
  name: string,
  storeDir: string,
): Promise<Result<StorePath>> {
  const checkedName = parseStorePathName(name);
  if (!checkedName.ok) return checkedName;
  const fingerprint = `${type.join(":")}:${formatHash(inner, "base16")}:${storeDir}:${name}`;
  const { bytes } = await hashText(fingerprint);
  const hash = parseStorePathHash(encodeNix32(compressHash(bytes)));
  return hash.ok ? ok({ hash: hash.value, name: checkedName.value }) : hash;
}

/** Folds a SHA-256 to the 160 bits of a store path (`compressHash` in libutil/hash.cc). */
function compressHash(bytes: Uint8Array): Uint8Array {
  const folded = new Uint8Array(20);
  bytes.forEach((byte, index) => {
    folded[index % folded.length] = (folded[index % folded.length] ?? 0) ^ byte;
  });
  return folded;
}

async function hashText(text: string): Promise<Hash> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return { algorithm: "sha256", bytes: new Uint8Array(digest) };
}

function methodOf(prefix: string): ContentAddress["method"] {
  switch (prefix) {
    case "text:":
      return "text";
    case "fixed:r:":
      return "nar";
    case "fixed:git:":
      return "git";
    default:
      return "flat";
  }
}
