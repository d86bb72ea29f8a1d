import { escapeXml, readElement, readElements } from "../../src/http/s3-xml.ts";
import type { BucketAnswer } from "./bucket-call.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { NotSeen } from "../../src/checks/check.ts";

/** `404 NoSuchKey` */
export function describeAnswer({ status, code }: Pick<BucketAnswer, "status" | "code">): string {
  return code === undefined ? String(status) : `${status} ${code}`;
}

/** `NoSuchKey (404)`, for where B2's code is known and its status is not. */
export function describeByCode({ status, code }: BucketAnswer): string {
  return code === undefined ? String(status) : `${code} (${status})`;
}

/** `refused (400 BadDigest)`, or the status of what was taken. */
export function describeRefusal(answer: Pick<BucketAnswer, "status" | "code">): string {
  return answer.status >= 400 && answer.status < 500
    ? `refused (${describeAnswer(answer)})`
    : describeAnswer(answer);
}

/** Stores an object that a check begins with; gives its entity tag. */
export async function prepareObject(
  bucket: CanaryBucket,
  name: string,
  body: string,
): Promise<string> {
  const answer = await bucket.send({ method: "PUT", name, body });
  requireSuccess("PUT", answer);
  return answer.headers.get("etag") ?? "";
}

/** What is stored under a name; `undefined` where the bucket does not give anything. */
export async function readObject(bucket: CanaryBucket, name: string): Promise<string | undefined> {
  const answer = await bucket.send({ method: "GET", name });
  if (answer.status === 200) return answer.text;
  if (answer.status === 404 || answer.status === 403) return undefined;
  throw new NotSeen(`could not be says: GET answered ${describeAnswer(answer)}`);
}

/** `nothing stored`, or what is there against expectation. */
export async function describeStored(bucket: CanaryBucket, name: string): Promise<string> {
  const stored = await readObject(bucket, name);
  return stored === undefined ? "nothing stored" : `${stored.length} bytes stored`;
}

/** The keys that a listing with the folder and `start` as its prefix shows. */
export async function listKeys(bucket: CanaryBucket, start: string): Promise<readonly string[]> {
  const query = { "list-type": "2", prefix: bucket.keyOf(start) };
  const answer = await bucket.send({ method: "GET", query });
  requireSuccess("listing", answer);
  return readElements(answer.text, "Contents").map((xml) => readElement(xml, "Key") ?? "");
}

export async function createUpload(bucket: CanaryBucket, name: string): Promise<string> {
  const answer = await bucket.send({ method: "POST", name, query: { uploads: "" } });
  requireSuccess("CreateMultipartUpload", answer);
  return readElement(answer.text, "UploadId") ?? "";
}

/** Sends a part and gives its entity tag. */
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

/** Completes with the parts of these tags, from number 1 on. S3 may put an error into a 200. */
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
  throw new NotSeen(`could not be tried: ${what} answered ${describeAnswer(answer)}`);
}
