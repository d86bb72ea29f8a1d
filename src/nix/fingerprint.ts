import { formatHash } from "./hash.ts";
import type { Narinfo } from "./narinfo.ts";
import { formatStorePath } from "./store-path.ts";

type Signed = Pick<Narinfo, "storePath" | "narHash" | "narSize" | "references">;

/**
 * What a path's signatures sign: name, content and references, and neither
 * where the NAR lies nor how it is compressed (`ValidPathInfo::fingerprint`
 * in libstore/path-info.cc). References are a set there, sorted by bytes.
 */
export function formatFingerprint(narinfo: Signed, storeDir: string): string {
  const references = new Set(narinfo.references.map((path) => formatStorePath(path, storeDir)));
  return [
    "1",
    formatStorePath(narinfo.storePath, storeDir),
    formatHash(narinfo.narHash, "nix32"),
    String(narinfo.narSize),
    // Store paths are ASCII, so that UTF-16 order is byte order.
    [...references].toSorted().join(","),
  ].join(";");
}

/** Whether both describe the same path, encodings and order aside. */
export function equalFingerprints(a: Signed, b: Signed): boolean {
  return formatFingerprint(a, "") === formatFingerprint(b, "");
}
