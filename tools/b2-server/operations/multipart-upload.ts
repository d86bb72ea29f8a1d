import { createXmlAnswer, readFileSlice, type Answer } from "../answer.ts";
import { bareEtag } from "../http/read-headers.ts";
import { readText } from "../http/request-body.ts";
import {
  pickStoredHeaders,
  refuseConditionalWrite,
  requireLength,
  requireSingleSize,
} from "../http/write-headers.ts";
import { S3Error } from "../s3-error.ts";
import type { ByteChunks } from "../store/bucket-store.ts";
import type { MultipartUpload, UploadPart } from "../store/upload-store.ts";
import { childText, parseXml } from "../xml/parse-xml.ts";
import { readHeader, type OperationContext } from "./operation-context.ts";
import { findCopySource } from "./put-object.ts";

const MAX_PARTS = 10_000;
// The smallest size of a part. Only the last part may be smaller.
const MIN_PART_BYTES = 5 * 1024 * 1024;
// 10,000 parts of about 120 bytes are 1.2 MB. The rest is room for the checksums
// that a client may add to each part.
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

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

export async function completeMultipartUpload(context: OperationContext): Promise<Answer> {
  const { bucket, bucketName, key, headers } = context;
  refuseConditionalWrite(headers);
  const upload = findUpload(context);
  const text = await readText(context.body, MAX_REQUEST_BYTES);
  const parts = chooseParts(upload, text);
  // Find the upload again: another request may have ended it while this body arrived.
  const version = await bucket.completeUpload(findUpload(context), parts);
  return createXmlAnswer(
    [
      "CompleteMultipartUploadResult",
      [
        ["Location", `http://${headers.host ?? ""}/${bucketName}/${key}`],
        ["Bucket", bucketName],
        ["Key", key],
        ["ETag", version.etag],
      ],
    ],
    { "x-amz-version-id": version.versionId },
  );
}

export async function abortMultipartUpload(context: OperationContext): Promise<Answer> {
  await context.bucket.abortUpload(findUpload(context));
  return { status: 204, headers: {} };
}

/** Returns the upload that `uploadId` names. Throws `NoSuchUpload` if the key has no upload with that ID. */
export function findUpload({ bucket, key, query }: OperationContext): MultipartUpload {
  const upload = bucket.uploads.find(key, query.get("uploadId") ?? "");
  if (upload === undefined) throw new S3Error("NoSuchUpload");
  return upload;
}

export function formatPartEtag(part: UploadPart): string {
  return `"${part.md5.toString("hex")}"`;
}

async function writePart(
  context: OperationContext,
  upload: MultipartUpload,
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

// x-amz-copy-source-range is stricter than Range: the header must give both ends,
// and both must lie inside the source.
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

/** Returns the parts that the request lists, after checking each against the uploaded part. */
function chooseParts(upload: MultipartUpload, text: string): readonly UploadPart[] {
  const document = parseXml(text);
  if (!document.ok || document.value.name !== "CompleteMultipartUpload") {
    throw new S3Error("MalformedXML");
  }
  const listed = document.value.children.filter((child) => child.name === "Part");
  if (listed.length === 0) throw new S3Error("MalformedXML");
  const parts: UploadPart[] = [];
  for (const element of listed) {
    const number = Number(childText(element, "PartNumber")?.trim());
    const etag = bareEtag(childText(element, "ETag") ?? "");
    if (!Number.isInteger(number)) throw new S3Error("MalformedXML");
    if (number <= (parts.at(-1)?.number ?? 0)) throw new S3Error("InvalidPartOrder");
    const part = upload.parts.get(number);
    if (part === undefined || part.md5.toString("hex") !== etag) throw new S3Error("InvalidPart");
    parts.push(part);
  }
  if (parts.slice(0, -1).some((part) => part.sizeBytes < MIN_PART_BYTES)) {
    throw new S3Error("EntityTooSmall");
  }
  return parts;
}
