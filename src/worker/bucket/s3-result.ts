import { CacheError } from "../cache-error.ts";
import type { S3Request } from "./s3-client.ts";
import { readS3Failure, type S3Failure, toCacheError } from "./s3-failure.ts";
import { readElement } from "../../http/s3-xml.ts";

export type Send = (request: S3Request) => Promise<Response>;

/** What a completion or a copy comes to: the tag of what it made, or why it made nothing. */
export type S3Result = { readonly etag: string } | { readonly failure: S3Failure };

const ATTEMPTS = 3;

/** Codes after which S3 asks to try again; inside a 200 no code at all is a cut answer. */
const PASSING = [undefined, "InternalError", "SlowDown", "ServiceUnavailable", "RequestTimeout"];

/**
 * Sends what S3 may take long over, and so may begin to answer with 200 before
 * it knows: an error at the end of it is the result then.
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

/** The error of a result that the caller has no other use for. */
export function toResultError(what: string, failure: S3Failure): CacheError {
  if (failure.status !== 200) return toCacheError(what, failure);
  return new CacheError("bucket-unavailable", `${what} ended with ${failure.code ?? "no result"}`);
}

/** The text of a listing, which must be whole: half of one would prove an absence. */
export async function readListing(response: Response, root: string): Promise<string> {
  const xml = await response.text();
  if (new RegExp(`<${root}[\\s>][\\s\\S]*</${root}>\\s*$`).test(xml)) return xml;
  throw new CacheError("bucket-unavailable", `the bucket answered 200 without a ${root}`);
}
