import { CacheError } from "../errors.ts";
import type { PutOptions, Upload } from "./bucket.ts";
import { WRITE_RETRIES } from "./retry.ts";
import type { S3Headers, S3Request } from "./s3-client.ts";
import { readS3Failure, toCacheError } from "./s3-failure.ts";
import { escapeXml, readElement } from "./s3-xml.ts";

const COMPLETE_ATTEMPTS = 3;

/** What S3 keeps with an object and gives back with it. */
export function storedHeaders({ contentType, contentEncoding }: PutOptions): S3Headers {
  return {
    "content-type": contentType,
    ...(contentEncoding === undefined ? {} : { "content-encoding": contentEncoding }),
  };
}

/** Starts an S3 multipart upload of `key`. */
export async function createS3Upload(
  key: string,
  options: PutOptions,
  send: (request: S3Request) => Promise<Response>,
): Promise<Upload> {
  const created = await send({
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
    throw new CacheError("bucket-unavailable", "CreateMultipartUpload answered no UploadId");
  }
  const etags = new Map<number, string>();

  /** S3 may begin its 200 before it knows, and end it with an error: that is the result then. */
  const tryToComplete = async (body: string): Promise<string | undefined> => {
    const response = await send({
      method: "POST",
      key,
      query: { uploadId },
      headers: { "content-type": "application/xml" },
      body,
      retries: WRITE_RETRIES,
    });
    if (response.status !== 200) {
      throw toCacheError("CompleteMultipartUpload", await readS3Failure(response));
    }
    const xml = await response.text();
    if (readElement(xml, "ETag") !== undefined) return undefined;
    return `CompleteMultipartUpload ended with ${readElement(xml, "Code") ?? "no result"}`;
  };

  return {
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
      etags.set(partNumber, response.headers.get("etag") ?? "");
    },

    async complete() {
      const parts = [...etags.entries()]
        .toSorted(([left], [right]) => left - right)
        .map(
          ([number, etag]) =>
            `<Part><PartNumber>${number}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
        );
      const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
      for (let attempt = 1; ; attempt++) {
        const failure = await tryToComplete(body);
        if (failure === undefined) return;
        if (attempt === COMPLETE_ATTEMPTS) throw new CacheError("bucket-unavailable", failure);
      }
    },

    async abort() {
      const response = await send({
        method: "DELETE",
        key,
        query: { uploadId },
        retries: WRITE_RETRIES,
      });
      await response.body?.cancel();
    },
  };
}
