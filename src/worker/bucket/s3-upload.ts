import { CacheError } from "../cache-error.ts";
import type { PutOptions, Upload, UploadedPart } from "./bucket.ts";
import { LONG_RETRIES, READ_RETRIES, type RetryPolicy, WRITE_RETRIES } from "../../http/retry.ts";
import type { S3Headers, S3Request } from "./s3-client.ts";
import { readS3Failure, toCacheError } from "./s3-failure.ts";
import type { S3Presigner } from "./s3-presign.ts";
import { readListing, type Send, sendForResult, toResultError } from "./s3-result.ts";
import { escapeXml, readElement, readElements } from "../../http/s3-xml.ts";

/** The functions by which an upload reaches the bucket. */
export interface UploadAccess {
  readonly send: Send;
  readonly presign: S3Presigner;
}

/** Returns the headers that S3 stores with an object, and sends back with it. */
export function storedHeaders({ contentType, contentEncoding }: PutOptions): S3Headers {
  return {
    "content-type": contentType,
    ...(contentEncoding === undefined ? {} : { "content-encoding": contentEncoding }),
  };
}

/**
 * Starts an S3 multipart upload to `key`, which includes the prefix. `completion`
 * limits the time of its completion.
 */
export async function createS3Upload(
  key: string,
  options: PutOptions,
  access: UploadAccess,
  completion: RetryPolicy = WRITE_RETRIES,
): Promise<Upload> {
  const created = await access.send({
    method: "POST",
    key,
    query: { uploads: "" },
    headers: storedHeaders(options),
    retries: WRITE_RETRIES,
  });
  if (created.status !== 200) {
    throw toCacheError("CreateMultipartUpload", await readS3Failure(created));
  }
  const uploadId = readElement(await created.text(), "UploadId");
  if (uploadId === undefined) {
    throw new CacheError(
      "bucket-unavailable",
      "CreateMultipartUpload answered without an UploadId",
    );
  }
  return openS3Upload(key, uploadId, access, completion);
}

/**
 * Returns the S3 multipart upload `uploadId` to `key`, which another request may
 * have started. Does not check that the upload exists.
 */
export function openS3Upload(
  key: string,
  uploadId: string,
  { send, presign }: UploadAccess,
  completion: RetryPolicy = LONG_RETRIES,
): Upload {
  return {
    uploadId,

    async putPart(partNumber, bytes) {
      const response = await send({
        method: "PUT",
        key,
        query: { partNumber: String(partNumber), uploadId },
        body: bytes,
        retries: WRITE_RETRIES,
      });
      if (response.status !== 200) throw toCacheError("UploadPart", await readS3Failure(response));
      await response.body?.cancel();
      const etag = response.headers.get("etag") ?? "";
      return { number: partNumber, etag, sizeBytes: bytes.byteLength };
    },

    signPart: (partNumber, seconds) => presign.part({ key, uploadId, partNumber, seconds }),

    listParts: () => listS3Parts(key, uploadId, send),

    async complete(parts) {
      const result = await sendForResult(completionRequest(key, uploadId, parts, completion), send);
      if ("etag" in result) return "completed";
      if (result.failure.code === "NoSuchUpload") return "gone";
      if (result.failure.code === "InvalidPart") return "changed";
      throw toResultError("CompleteMultipartUpload", result.failure);
    },

    async abort() {
      const response = await send({
        method: "DELETE",
        key,
        query: { uploadId },
        retries: WRITE_RETRIES,
      });
      if (response.status === 204 || response.status === 200) {
        await response.body?.cancel();
        return;
      }
      const failure = await readS3Failure(response);
      if (failure.code === "NoSuchUpload") return;
      throw toCacheError("AbortMultipartUpload", failure);
    },
  };
}

function completionRequest(
  key: string,
  uploadId: string,
  parts: readonly UploadedPart[],
  retries: RetryPolicy,
): S3Request {
  const elements = parts
    .toSorted((left, right) => left.number - right.number)
    .map(
      ({ number, etag }) =>
        `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
    );
  return {
    method: "POST",
    key,
    query: { uploadId },
    headers: { "content-type": "application/xml" },
    body: `<CompleteMultipartUpload>${elements.join("")}</CompleteMultipartUpload>`,
    retries,
  };
}

const PAGE_PARTS = 1000;

async function listS3Parts(
  key: string,
  uploadId: string,
  send: Send,
): Promise<readonly UploadedPart[] | undefined> {
  const parts: UploadedPart[] = [];
  for (let marker = 0; ;) {
    const response = await send({
      method: "GET",
      key,
      query: {
        uploadId,
        "max-parts": String(PAGE_PARTS),
        ...(marker === 0 ? {} : { "part-number-marker": String(marker) }),
      },
      retries: READ_RETRIES,
    });
    if (response.status !== 200) {
      const failure = await readS3Failure(response);
      if (failure.code === "NoSuchUpload") return undefined;
      throw toCacheError("ListParts", failure);
    }
    // moto names the root ListPartsResponse.
    const xml = await readListing(response, "ListPartsResult", "ListPartsResponse");
    parts.push(...readElements(xml, "Part").map(parsePart));
    if (readElement(xml, "IsTruncated") !== "true") return parts;
    const next = Number(readElement(xml, "NextPartNumberMarker"));
    // Without this check, a page that names itself as the next page would be
    // requested again without end.
    if (!(next > marker)) {
      throw new CacheError("bucket-unavailable", "ListParts is truncated but names no next page");
    }
    marker = next;
  }
}

function parsePart(xml: string): UploadedPart {
  return {
    number: Number(readElement(xml, "PartNumber")),
    etag: readElement(xml, "ETag") ?? "",
    sizeBytes: Number(readElement(xml, "Size")),
  };
}
