import { MAX_CATALOG_REFERENCES } from "../../api/catalog-limits.ts";
import { formatDigest } from "../../nix/hash.ts";
import { type Narinfo, parseNarinfo } from "../../nix/narinfo.ts";
import { parseNarUrl } from "../../nix/object-key.ts";
import { MAX_SIGNATURES } from "../../nix/signature.ts";
import type { StorePath, StorePathHash } from "../../nix/store-path.ts";

/** What a narinfo says about a path. */
export interface PathFacts {
  readonly storePath: StorePath;
  /** The path of the NAR in the bucket. `undefined` if it can only lie on another server. */
  readonly nar: string | undefined;
  /** In nix32. */
  readonly narHash: string;
  readonly narSizeBytes: number;
  readonly fileSizeBytes: number | undefined;
  /** Without the path itself. */
  readonly references: readonly StorePath[];
  readonly deriver: string | undefined;
  /** As many as a push may write. */
  readonly signatures: readonly string[];
  readonly contentAddress: string | undefined;
}

/** A longer signature is none: its key has a name of 256 characters at most. */
const MAX_SIGNATURE_LENGTH = 1000;

/**
 * Returns what the catalog keeps of a narinfo, or the reason why it cannot tell what
 * the path needs. Nothing may be collected while such a path exists: it may refer to
 * any other path, and name any NAR.
 */
export function readPathFacts(
  text: string,
  hash: StorePathHash,
  storeDir: string,
): PathFacts | { readonly problem: string } {
  const parsed = parseNarinfo(text, storeDir);
  if (!parsed.ok) return { problem: parsed.error };
  const narinfo = parsed.value;
  if (narinfo.storePath.hash !== hash) return { problem: "it is about another store path" };
  const nar = findNar(narinfo);
  if (nar === "unknown") return { problem: "URL is not a path of this cache" };
  const references = narinfo.references.filter((path) => path.hash !== hash);
  if (references.length > MAX_CATALOG_REFERENCES) {
    return { problem: `it has more than ${MAX_CATALOG_REFERENCES} references` };
  }
  return {
    storePath: narinfo.storePath,
    nar,
    narHash: formatDigest(narinfo.narHash, "nix32"),
    narSizeBytes: narinfo.narSize,
    fileSizeBytes: narinfo.fileSize,
    references,
    deriver: narinfo.deriver,
    signatures: narinfo.signatures
      .filter(({ length }) => length <= MAX_SIGNATURE_LENGTH)
      .slice(0, MAX_SIGNATURES),
    contentAddress: narinfo.contentAddress,
  };
}

/**
 * A URL with a scheme is on another server, or is another name of this one: then the NAR of
 * that name stays. Any other URL must name an object of this cache.
 */
function findNar({ url }: Narinfo): string | "unknown" | undefined {
  if (/^[A-Za-z][A-Za-z0-9+.-]*:/.test(url)) {
    const [path = ""] = url.split(/[?#]/);
    const start = path.lastIndexOf("/nar/");
    const named = start === -1 ? undefined : parseNarUrl(path.slice(start + 1));
    return named?.ok === true ? named.value.path : undefined;
  }
  const key = parseNarUrl(url);
  return key.ok ? key.value.path : "unknown";
}
