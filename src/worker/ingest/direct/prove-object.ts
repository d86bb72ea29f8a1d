import { createHash } from "node:crypto";
import type { Bucket } from "../../bucket/bucket.ts";
import type { BucketPath } from "../../bucket/incoming-path.ts";
import { readBack, type ReadingOptions } from "../read-back.ts";

export interface ObjectToProve {
  readonly path: BucketPath;
  readonly sizeBytes: number;
  /** The tag of the very object to prove: another object may take its name. */
  readonly etag: string;
}

export type Proof =
  | { readonly kind: "hashed"; readonly sha256: string }
  /** Another object has the name now. */
  | { readonly kind: "changed" }
  | { readonly kind: "gone" };

export interface ProofOptions extends Pick<ReadingOptions, "stallMilliseconds"> {
  /** Called with the number of bytes hashed so far. */
  readonly onProgress?: (bytes: number) => void;
}

/**
 * Reads an object back and hashes it (law 2). Throws `bucket-unavailable` if it cannot
 * read to the end: a part of the bytes proves nothing.
 */
export async function proveObject(
  bucket: Pick<Bucket, "get">,
  object: ObjectToProve,
  { onProgress = () => {}, ...options }: ProofOptions = {},
): Promise<Proof> {
  const hash = createHash("sha256");
  let position = 0;
  function take(bytes: Uint8Array): void {
    hash.update(bytes);
    position += bytes.byteLength;
    onProgress(position);
  }
  const end = await readBack(bucket, { ...object, position }, take, options);
  switch (end) {
    case "end":
      return { kind: "hashed", sha256: hash.digest("hex") };
    case "gone":
      return { kind: "gone" };
    default:
      // Nobody stops this reading, and the gateway stores no upload with an encoding.
      return { kind: "changed" };
  }
}
