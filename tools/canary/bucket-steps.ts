import { CONTENT_TYPES } from "../../src/http/response-headers.ts";
import { escapeXml, readElement, readElements } from "../../src/http/s3-xml.ts";
import type { BucketAnswer } from "./bucket-call.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { NotSeen } from "../../src/checks/check.ts";

/** Returns the status and S3's error code: `404 NoSuchKey`. */
export function describeAnswer({ status, code }: Pick<BucketAnswer, "status" | "code">): string {
  return code === undefined ? String(status) : `${status} ${code}`;
}

/**
 * Returns S3's error code before the status: `NoSuchKey (404)`. For checks that
 * know the error code of B2 and not its status.
 */
export function describeByCode({ status, code }: BucketAnswer): string {
  return code === undefined ? String(status) : `${code} (${status})`;
}

/** Returns `refused (400 BadDigest)` for a 4xx answer, and the status and code for others. */
export function describeRefusal(answer: Pick<BucketAnswer, "status" | "code">): string {
  return answer.status >= 400 && answer.status < 500
    ? `refused (${describeAnswer(answer)})`
    : describeAnswer(answer);
}

/** Stores an object that a check needs, and returns its entity tag. */
export async function prepareObject(
  bucket: CanaryBucket,
  name: string,
  body: string,
): Promise<string> {
  const answer = await bucket.send({ method: "PUT", name, body });
  requireSuccess("PUT", answer);
  return answer.headers.get("etag") ?? "";
}

/** Returns the value of x-amz-copy-source for an object of the canary's folder. */
export function copySourceOf({ config, keyOf }: CanaryBucket, name: string): string {
  return encodeURI(`/${config.bucket}/${keyOf(name)}`);
}

/** Copies an object with the metadata replaced, as the gateway publishes a NAR. */
export async function copyWithNewMetadata(
  bucket: CanaryBucket,
  from: string,
  to: string,
): Promise<BucketAnswer> {
  const headers = {
    "x-amz-copy-source": copySourceOf(bucket, from),
    "x-amz-metadata-directive": "REPLACE",
    "content-type": CONTENT_TYPES.nar,
  };
  return await bucket.send({ method: "PUT", name: to, headers });
}

/** Returns the stored text, or `undefined` if the bucket answers 404 or 403. */
export async function readObject(bucket: CanaryBucket, name: string): Promise<string | undefined> {
  const answer = await bucket.send({ method: "GET", name });
  if (answer.status === 200) return answer.text;
  if (answer.status === 404 || answer.status === 403) return undefined;
  throw new NotSeen(`could not read the object: GET answered ${describeAnswer(answer)}`);
}

/** Returns `nothing stored`, or the number of bytes that the bucket stored. */
export async function describeStored(bucket: CanaryBucket, name: string): Promise<string> {
  const stored = await readObject(bucket, name);
  return stored === undefined ? "nothing stored" : `${stored.length} bytes stored`;
}

/** Returns the keys of a listing. Its prefix is the folder, followed by `start`. */
export async function listKeys(bucket: CanaryBucket, start: string): Promise<readonly string[]> {
  const query = { "list-type": "2", prefix: bucket.keyOf(start) };
  const answer = await bucket.send({ method: "GET", query });
  requireSuccess("the listing", answer);
  return readElements(answer.text, "Contents").map((xml) => readElement(xml, "Key") ?? "");
}

export async function createUpload(bucket: CanaryBucket, name: string): Promise<string> {
  const answer = await bucket.send({ method: "POST", name, query: { uploads: "" } });
  requireSuccess("CreateMultipartUpload", answer);
  return readElement(answer.text, "UploadId") ?? "";
}

/** Sends a part and returns its entity tag. */
export async function putPart(
  bucket: CanaryBucket,
  upload: { readonly name: string; readonly uploadId: string; readonly partNumber: number },
  body: string,
): Promise<string> {
  const { name, uploadId, partNumber } = upload;
  const query = { partNumber: String(partNumber), uploadId };
  const answer = await bucket.send({ method: "PUT", name, query, body });
  requireSuccess("UploadPart", answer);
  return answer.headers.get("etag") ?? "";
}

/**
 * Completes the upload with the parts of these entity tags, numbered from 1. S3
 * may answer 200 with an error in the body.
 */
export async function completeUpload(
  bucket: CanaryBucket,
  name: string,
  uploadId: string,
  etags: readonly string[],
): Promise<BucketAnswer> {
  const parts = etags.map(
    (etag, index) =>
      `<Part><PartNumber>${index + 1}</PartNumber><ETag>${escapeXml(etag)}</ETag></Part>`,
  );
  return await bucket.send({
    method: "POST",
    name,
    query: { uploadId },
    headers: { "content-type": "application/xml" },
    body: `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`,
  });
}

function requireSuccess(what: string, answer: BucketAnswer): void {
  if (answer.status >= 200 && answer.status < 300) return;
  throw new NotSeen(`could not run this check: ${what} answered ${describeAnswer(answer)}`);
}
