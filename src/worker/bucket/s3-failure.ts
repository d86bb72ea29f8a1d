import { CacheError } from "../cache-error.ts";
import { readElement } from "../../http/s3-xml.ts";
import type { S3Answer } from "./read-answer.ts";

/** The error in an answer of S3. */
export interface S3Failure {
  readonly status: number;
  /** S3's error code. `undefined` if the body has none, as in the answer to a HEAD. */
  readonly code: string | undefined;
  /** S3's message, for the log only. Empty if the body has none. */
  readonly message: string;
}

// An S3 error has a few hundred bytes. A longer body comes from another server.
const MAX_FAILURE_BYTES = 16 * 1024;

/** Returns the error in an answer that is no success. Reads or cancels the answer's body. */
export async function readS3Failure(response: S3Answer): Promise<S3Failure> {
  const length = Number(response.headers.get("content-length") ?? "0");
  let text = "";
  if (length <= MAX_FAILURE_BYTES) {
    text = await response.text().catch(() => "");
  } else {
    await response.body?.cancel();
  }
  return {
    status: response.status,
    code: readElement(text, "Code"),
    message: readElement(text, "Message") ?? "",
  };
}

/**
 * Returns the error to throw for an answer that a retry cannot change:
 * `bucket-cap-exceeded` for a cap of B2, `bucket-unavailable` for a conflict that
 * passes, and `misconfigured` for everything else.
 * `what` names the request in the log.
 */
export function toCacheError(what: string, failure: S3Failure): CacheError {
  const detail = `${what} answered ${failure.status} ${failure.code ?? ""}: ${failure.message.slice(0, 300)}`;
  if (isCapExceeded(failure))
    return new CacheError("bucket-cap-exceeded", detail, { retryAfterSeconds: 600 });
  // Another operation is at work on the object. Swift gives this answer for a while after
  // a completion.
  if (failure.status === 409)
    return new CacheError("bucket-unavailable", detail, { retryAfterSeconds: 5 });
  // Redirects and other 4xx mean that the request cannot succeed as it is sent: a
  // wrong key, region, bucket name or endpoint.
  return new CacheError("misconfigured", detail);
}

/**
 * Whether B2 refused a request because of a cap. B2 then answers 403 with "Cannot
 * download file, download bandwidth or transaction (Class B) cap exceeded. …"
 */
export function isCapExceeded(failure: S3Failure): boolean {
  return failure.status === 403 && /\bcap exceeded\b/i.test(failure.message);
}
