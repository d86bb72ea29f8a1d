import { parseNarUrl } from "../../nix/object-key.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";
import type { NarState } from "../gateway/look-at-nar.ts";

/** The sizes of all NARs of a bucket, in bytes, by their paths. */
export type NarTable = ReadonlyMap<string, number>;

/** Lists `nar/`. One listing of 1,000 NARs takes the place of 1,000 requests for one. */
export async function listNars(
  bucket: Pick<BucketReader, "list">,
  onProgress: (nars: number) => void,
): Promise<NarTable> {
  const table = new Map<string, number>();
  for await (const page of bucket.list({ start: "nar/" })) {
    for (const { path, sizeBytes } of page) table.set(copyOf(path), sizeBytes);
    onProgress(table.size);
  }
  return table;
}

/** V8 would otherwise keep the whole text of the page in memory for each key that was cut from it. */
function copyOf(text: string): string {
  return Buffer.from(text).toString();
}

/**
 * Returns the state of the NAR that a narinfo names. The bucket is asked again about a
 * NAR that the table lacks or has with another size: it may have come since.
 */
export async function findNar(
  { url, fileSize }: Narinfo,
  table: NarTable,
  bucket: Pick<BucketReader, "sizeOf">,
): Promise<NarState> {
  const key = parseNarUrl(url);
  if (!key.ok) return { verdict: "elsewhere", sizeBytes: undefined };
  const { path } = key.value;
  const isWhole = (size: number | undefined) =>
    size !== undefined && (fileSize === undefined || size === fileSize);
  const listed = table.get(path);
  const sizeBytes = isWhole(listed) ? listed : await bucket.sizeOf(path);
  if (sizeBytes === undefined) return { verdict: "MISSING", sizeBytes };
  return { verdict: isWhole(sizeBytes) ? "there" : "WRONG SIZE", sizeBytes };
}
