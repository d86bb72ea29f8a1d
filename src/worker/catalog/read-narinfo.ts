import { decodeText, isDecodedByPlatform } from "../../http/text-decoding.ts";
import { MAX_STORED_NARINFO_BYTES } from "../../nix/narinfo.ts";
import { narinfoKey } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { CatalogContext } from "./catalog-context.ts";
import { type PathFacts, readPathFacts } from "./path-facts.ts";

export interface ReadNarinfo {
  readonly facts: PathFacts | { readonly problem: string };
  readonly sizeBytes: number;
  /** Its entity tag. */
  readonly version: string | undefined;
}

/** Reads a narinfo from the bucket. `undefined` if there is none. Throws the failures of the bucket. */
export async function readNarinfo(
  { bucket, storeDir }: Pick<CatalogContext, "bucket" | "storeDir">,
  hash: StorePathHash,
): Promise<ReadNarinfo | undefined> {
  const stored = await bucket.read(narinfoKey(hash).path, MAX_STORED_NARINFO_BYTES);
  if (stored === undefined) return undefined;
  if (stored === "too-large") {
    return { facts: { problem: "it is too large" }, sizeBytes: 0, version: undefined };
  }
  const { contentEncoding, etag, bytes } = stored;
  const common = { sizeBytes: stored.sizeBytes ?? bytes.byteLength, version: etag };
  if (contentEncoding !== undefined && !isDecodedByPlatform(contentEncoding)) {
    return {
      ...common,
      facts: { problem: "it is stored in a compression that only Nix reads" },
    };
  }
  return { ...common, facts: readPathFacts(decodeText(bytes), hash, storeDir) };
}
