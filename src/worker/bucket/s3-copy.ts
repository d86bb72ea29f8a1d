import { CacheError } from "../cache-error.ts";
import type { Bucket, CopySource, Upload, UploadedPart } from "./bucket.ts";
import { LONG_RETRIES } from "../../http/retry.ts";
import type { S3Headers } from "./s3-client.ts";
import type { S3Failure } from "./s3-failure.ts";
import { type Send, sendForResult, toResultError } from "./s3-result.ts";
import { createS3Upload, type UploadAccess } from "./s3-upload.ts";
import { encodeKey } from "../../http/s3-url.ts";

type CopyOutcome = Awaited<ReturnType<Bucket["copy"]>>;

export interface CopyLimits {
  /** The largest object that one CopyObject may copy, in bytes. B2 and S3 allow 5 GB. */
  readonly maxSingleBytes: number;
  /** How many bytes of a larger object one request copies: at least 5 MiB. */
  readonly rangeBytes: number;
}

export const COPY_LIMITS: CopyLimits = { maxSingleBytes: 5e9, rangeBytes: 1e9 };

// The bucket needs seconds to copy a range, and the worker only waits. workerd
// allows six open connections at a time.
const RANGES_AT_ONCE = 4;

/** A copy within one bucket. The keys `from` and `to` are not encoded, and include the prefix. */
export interface S3Copy extends CopySource {
  readonly bucket: string;
  readonly from: string;
  readonly to: string;
}

/** Copies one object (see `Bucket.copy`). Copies it in ranges if it is too large for one request. */
export async function copyS3Object(
  copy: S3Copy,
  access: UploadAccess,
  limits: CopyLimits = COPY_LIMITS,
): Promise<CopyOutcome> {
  if (copy.sizeBytes > limits.maxSingleBytes) return await copyInRanges(copy, access, limits);
  const result = await sendForResult(
    {
      method: "PUT",
      key: copy.to,
      headers: {
        ...sourceHeaders(copy),
        "x-amz-metadata-directive": "REPLACE",
        "content-type": copy.contentType,
      },
      retries: LONG_RETRIES,
    },
    access.send,
  );
  return "etag" in result ? "copied" : outcomeOf("CopyObject", result.failure);
}

/**
 * Returns the headers that name the source of a copy. With an ETag, every request of
 * the copy names it, so the bucket never copies an object that took its place.
 */
function sourceHeaders({ bucket, from, etag }: S3Copy): S3Headers {
  const source = { "x-amz-copy-source": `/${bucket}/${encodeKey(from)}` };
  return etag === undefined ? source : { ...source, "x-amz-copy-source-if-match": etag };
}

function outcomeOf(what: string, failure: S3Failure): "changed" | "gone" {
  if (failure.code === "PreconditionFailed" || failure.status === 412) return "changed";
  if (failure.code === "NoSuchKey") return "gone";
  throw toResultError(what, failure);
}

async function copyInRanges(
  copy: S3Copy,
  access: UploadAccess,
  { rangeBytes }: CopyLimits,
): Promise<CopyOutcome> {
  const { to, contentType } = copy;
  const upload = await createS3Upload(to, { contentType }, access, LONG_RETRIES);
  try {
    const parts = await copyParts(copy, upload, rangeBytes, access.send);
    if (typeof parts === "string") {
      await upload.abort();
      return parts;
    }
    const outcome = await upload.complete(parts);
    if (outcome === "completed") return "copied";
    throw new CacheError("bucket-unavailable", `the multipart upload of the copy is ${outcome}`);
  } catch (error) {
    await upload.abort().catch(() => {});
    throw error;
  }
}

async function copyParts(
  copy: S3Copy,
  { uploadId }: Upload,
  rangeBytes: number,
  send: Send,
): Promise<readonly UploadedPart[] | "changed" | "gone"> {
  const parts: UploadedPart[] = [];
  const count = Math.ceil(copy.sizeBytes / rangeBytes);
  let next = 1;
  let refusal: "changed" | "gone" | undefined;

  async function copyRange(number: number): Promise<void> {
    const first = (number - 1) * rangeBytes;
    const last = Math.min(copy.sizeBytes, number * rangeBytes) - 1;
    const result = await sendForResult(
      {
        method: "PUT",
        key: copy.to,
        query: { partNumber: String(number), uploadId },
        headers: { ...sourceHeaders(copy), "x-amz-copy-source-range": `bytes=${first}-${last}` },
        retries: LONG_RETRIES,
      },
      send,
    );
    if ("etag" in result) parts.push({ number, etag: result.etag, sizeBytes: last - first + 1 });
    else refusal = outcomeOf("UploadPartCopy", result.failure);
  }

  async function copySome(): Promise<void> {
    try {
      while (next <= count && refusal === undefined) await copyRange(next++);
    } finally {
      // After a failure the other ranges need not be copied: the copy is dropped.
      next = count + 1;
    }
  }

  const outcomes = await Promise.allSettled(Array.from({ length: RANGES_AT_ONCE }, copySome));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return refusal ?? parts;
}
