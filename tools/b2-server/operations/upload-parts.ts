import { createXmlAnswer, type Answer } from "../answer.ts";
import { readFileSlice } from "../http/read-file-slice.ts";
import { pickStoredHeaders } from "../http/stored-headers.ts";
import { S3Error } from "../s3-error.ts";
import type { Upload, UploadPart } from "../store/upload-store.ts";
import type { ByteChunks } from "../store/bucket-store.ts";
import { findCopySource } from "./copy-object.ts";
import { readHeader, type OperationContext } from "./operation-context.ts";
import { requireLength, requireSingleSize } from "./write-headers.ts";

const MAX_PARTS = 10_000;

export async function createMultipartUpload(context: OperationContext): Promise<Answer> {
  const { bucket, bucketName, key, headers, now } = context;
  const upload = await bucket.uploads.create(key, pickStoredHeaders(headers), now());
  return createXmlAnswer([
    "InitiateMultipartUploadResult",
    [
      ["Bucket", bucketName],
      ["Key", key],
      ["UploadId", upload.uploadId],
    ],
  ]);
}

export async function uploadPart(context: OperationContext): Promise<Answer> {
  requireLength(context.headers);
  const part = await writePart(context, findUpload(context), context.body);
  return { status: 200, headers: { etag: formatPartEtag(part) } };
}

export async function uploadPartCopy(context: OperationContext): Promise<Answer> {
  const upload = findUpload(context);
  const { bucket, version } = findCopySource(context);
  const range = parseCopyRange(readHeader(context, "x-amz-copy-source-range"), version.sizeBytes);
  requireSingleSize(range.length);
  const file = await bucket.openBody(version);
  const part = await writePart(context, upload, readFileSlice({ file, ...range }));
  return createXmlAnswer(
    [
      "CopyPartResult",
      [
        ["LastModified", part.lastModified.toISOString()],
        ["ETag", formatPartEtag(part)],
      ],
    ],
    { "x-amz-copy-source-version-id": version.versionId },
  );
}

/** The upload that `uploadId` names, if it is one of this key. */
export function findUpload({ bucket, key, query }: OperationContext): Upload {
  const upload = bucket.uploads.find(key, query.get("uploadId") ?? "");
  if (upload === undefined) throw new S3Error("NoSuchUpload");
  return upload;
}

export function formatPartEtag(part: UploadPart): string {
  return `"${part.md5.toString("hex")}"`;
}

async function writePart(
  context: OperationContext,
  upload: Upload,
  body: ByteChunks,
): Promise<UploadPart> {
  const number = parsePartNumber(context.query.get("partNumber") ?? "");
  const part = await context.bucket.uploads.writePart(upload, number, body, context.now());
  if (part === undefined) throw new S3Error("NoSuchUpload");
  return part;
}

function parsePartNumber(text: string): number {
  const number = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > MAX_PARTS) {
    throw new S3Error("InvalidArgument", `Part number must be from 1 to ${MAX_PARTS}`);
  }
  return number;
}

// Stricter than Range: both ends must be given, and inside the source.
function parseCopyRange(
  header: string | undefined,
  size: number,
): { readonly start: number; readonly length: number } {
  if (header === undefined) return { start: 0, length: size };
  const match = /^bytes=(\d{1,15})-(\d{1,15})$/.exec(header);
  const [start, end] = [Number(match?.[1]), Number(match?.[2])];
  if (match === null || start > end || end >= size) {
    throw new S3Error("InvalidArgument", "x-amz-copy-source-range is not within the source");
  }
  return { start, length: end - start + 1 };
}
