import { CacheError } from "../cache-error.ts";
import type { S3Answer } from "./read-answer.ts";
import type { S3Request } from "./s3-client.ts";
import { readS3Failure, type S3Failure, toCacheError } from "./s3-failure.ts";
import { readElement } from "../../http/s3-xml.ts";

export type Send = (request: S3Request) => Promise<S3Answer>;

/** The result of a completion or a copy: the ETag of the new object, or why there is none. */
export type S3Result = { readonly etag: string } | { readonly failure: S3Failure };

const ATTEMPTS = 3;

/**
 * The error codes inside a 200 after which the client tries again. S3 asks for it
 * with these codes. `undefined` stands for a 200 with neither an ETag nor a code:
 * its answer was cut.
 */
const PASSING = [undefined, "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"];

/**
 * Sends a completion or a copy, and returns its result. S3 may need minutes for
 * such a request, and may send the status 200 before it knows the result. So a 200
 * can end with an error (docs.aws.amazon.com, CompleteMultipartUpload).
 */
export async function sendForResult(request: S3Request, send: Send): Promise<S3Result> {
  for (let attempt = 1; ; attempt++) {
    const response = await send(request);
    if (response.status !== 200) return { failure: await readS3Failure(response) };
    const xml = await response.text();
    const etag = readElement(xml, "ETag");
    if (etag !== undefined) return { etag };
    const code = readElement(xml, "Code");
    if (attempt === ATTEMPTS || !PASSING.includes(code)) {
      return { failure: { status: 200, code, message: readElement(xml, "Message") ?? "" } };
    }
  }
}

/** Returns the error to throw for a failed result that the caller cannot handle. */
export function toResultError(what: string, failure: S3Failure): CacheError {
  if (failure.status !== 200) return toCacheError(what, failure);
  return new CacheError(
    "bucket-unavailable",
    `${what} ended with ${failure.code ?? "neither an ETag nor an error code"}`,
  );
}

/**
 * Returns the XML of a listing, whose root element is one of `roots`. Throws
 * `bucket-unavailable` if the XML is not whole: objects missing from half a
 * listing would count as proved absences.
 */
export async function readListing(
  response: S3Answer,
  ...roots: readonly string[]
): Promise<string> {
  const xml = await response.text();
  const isWhole = (root: string) => new RegExp(`<${root}[\\s>][\\s\\S]*</${root}>\\s*$`).test(xml);
  if (roots.some(isWhole)) return xml;
  throw new CacheError("bucket-unavailable", `the bucket answered 200 without a whole ${roots[0]}`);
}
