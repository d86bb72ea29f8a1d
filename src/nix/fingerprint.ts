import { formatHash } from "./hash.ts";
import type { Narinfo } from "./narinfo.ts";
import { formatStorePath } from "./store-path.ts";

type Signed = Pick<Narinfo, "storePath" | "narHash" | "narSize" | "references">;

/**
 * Returns the text that the signatures of a store path sign
 * (`ValidPathInfo::fingerprint` in libstore/path-info.cc):
 * `1;<path>;<NarHash>;<NarSize>;<references, separated by commas>`.
 *
 * The fingerprint covers the path, its content and its references. It does not
 * cover the URL or the compression of the NAR. Nix keeps references in a set,
 * so each appears once, sorted by bytes.
 */
export function formatFingerprint(narinfo: Signed, storeDir: string): string {
  const references = new Set(narinfo.references.map((path) => formatStorePath(path, storeDir)));
  return [
    "1",
    formatStorePath(narinfo.storePath, storeDir),
    formatHash(narinfo.narHash, "nix32"),
    String(narinfo.narSize),
    // `toSorted` compares UTF-16 units. Store paths are ASCII, so this is byte order.
    [...references].toSorted().join(","),
  ].join(";");
}

/**
 * Whether both narinfos describe the same path with the same contents. Encodings
 * of hashes and the order of references make no difference.
 */
export function equalFingerprints(a: Signed, b: Signed): boolean {
  return formatFingerprint(a, "") === formatFingerprint(b, "");
}
