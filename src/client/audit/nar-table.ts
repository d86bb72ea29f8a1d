import { parseNarUrl } from "../../nix/object-key.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";
import type { BucketEntry } from "../bucket/parse-listing.ts";
import type { NarState } from "../gateway/look-at-nar.ts";

/** The NARs of a bucket as they were listed. */
export interface NarTable {
  /** Returns the bytes of a NAR. Undefined if it was not listed. */
  sizeOf(path: string): number | undefined;
  count(): number;
  totalBytes(): number;
  /** Records that a narinfo names the NAR. */
  markNamed(path: string): void;
  /** Returns the NARs that no narinfo has named so far, in the order of their paths. */
  loose(): Generator<BucketEntry, void>;
}

/** Lists `nar/`. One listing of 1,000 NARs takes the place of 1,000 requests for one. */
export async function listNars(
  bucket: Pick<BucketReader, "list">,
  onProgress: (nars: number) => void,
): Promise<NarTable> {
  const sizes = new Map<string, number>();
  const loose = new Map<string, number | undefined>();
  let totalBytes = 0;
  for await (const page of bucket.list({ start: "nar/" })) {
    for (const { path, sizeBytes, modifiedSeconds } of page) {
      const name = copyOf(path);
      sizes.set(name, sizeBytes);
      loose.set(name, modifiedSeconds);
      totalBytes += sizeBytes;
    }
    onProgress(sizes.size);
  }
  return {
    sizeOf: (path) => sizes.get(path),
    count: () => sizes.size,
    totalBytes: () => totalBytes,
    markNamed: (path) => void loose.delete(path),
    *loose() {
      for (const [path, modifiedSeconds] of loose) {
        yield { path, sizeBytes: sizes.get(path) ?? 0, modifiedSeconds };
      }
    },
  };
}

/** Copies a text. V8 would otherwise keep the whole page in memory for each text that was cut from it. */
export function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

/** Returns the path of the NAR that a narinfo names. Undefined if it lies outside `nar/`. */
export function narPathOf({ url }: Pick<Narinfo, "url">): string | undefined {
  const key = parseNarUrl(url);
  return key.ok ? key.value.path : undefined;
}

/**
 * Returns the state of the NAR that a narinfo names. The bucket is asked again about a
 * NAR that the table lacks or has with another size: it may have come since.
 */
export async function findNar(
  narinfo: Pick<Narinfo, "url" | "fileSize">,
  table: NarTable | undefined,
  bucket: Pick<BucketReader, "sizeOf">,
): Promise<NarState> {
  const { fileSize } = narinfo;
  const path = narPathOf(narinfo);
  if (path === undefined) return { verdict: "elsewhere", sizeBytes: undefined };
  const isWhole = (size: number | undefined) =>
    size !== undefined && (fileSize === undefined || size === fileSize);
  const listed = table?.sizeOf(path);
  const sizeBytes = isWhole(listed) ? listed : await bucket.sizeOf(path);
  if (sizeBytes === undefined) return { verdict: "MISSING", sizeBytes };
  return { verdict: isWhole(sizeBytes) ? "there" : "WRONG SIZE", sizeBytes };
}
