import { CacheError } from "../cache-error.ts";
import { readElement } from "../../http/s3-xml.ts";

/** An answer that was not a success, as far as its body tells. */
export interface S3Failure {
  readonly status: number;
  /** S3's error code; a HEAD has none. */
  readonly code: string | undefined;
  readonly message: string;
}

// S3 errors are a few hundred bytes; what is longer is not one.
const MAX_FAILURE_BYTES = 16 * 1024;

export async function readS3Failure(response: Response): Promise<S3Failure> {
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

/** The error for an answer that no retry mends. */
export function toCacheError(what: string, failure: S3Failure): CacheError {
  const detail = `${what} answered ${failure.status} ${failure.code ?? ""}: ${failure.message.slice(0, 300)}`;
  if (isCapExceeded(failure))
    return new CacheError("bucket-cap-exceeded", detail, { retryAfterSeconds: 600 });
  // Redirects and 4xx mean that the request cannot succeed as it is sent: a
  // wrong key, region, bucket name or endpoint.
  return new CacheError("misconfigured", detail);
}

/** B2: "Cannot download file, download bandwidth or transaction (Class B) cap exceeded. …" */
export function isCapExceeded(failure: S3Failure): boolean {
  return failure.status === 403 && /\bcap exceeded\b/i.test(failure.message);
}
