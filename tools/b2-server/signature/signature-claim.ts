import type { IncomingHttpHeaders } from "node:http";
import { err, ok, type Result } from "../../../src/result.ts";
import { S3Error, type S3ErrorCode } from "../s3-error.ts";

/** The fields of a request's signature, as the request states them. They are not verified yet. */
export interface SignatureClaim {
  readonly keyId: string;
  /** The date of the scope, as YYYYMMDD. */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  /** The whole scope: date/region/service/aws4_request. */
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  /** The time of the request in ISO 8601 basic format, as sent and as signed. */
  readonly timestamp: string;
  readonly payloadHash: string;
  /** How long a presigned request is valid. `undefined` for other requests. */
  readonly expiresSeconds: number | undefined;
}

const ALGORITHM = "AWS4-HMAC-SHA256";
const SEVEN_DAYS_SECONDS = 604_800;

/** Parses the signature in the Authorization header or in the query. */
export function parseSignatureClaim(
  headers: IncomingHttpHeaders,
  query: ReadonlyMap<string, string>,
): Result<SignatureClaim, S3Error> {
  const presigned = query.has("X-Amz-Signature") || query.has("X-Amz-Algorithm");
  if (headers.authorization === undefined) {
    return presigned ? parseQueryClaim(headers, query) : err(new S3Error("AccessDenied"));
  }
  if (presigned) {
    return err(new S3Error("InvalidArgument", "Only one auth mechanism allowed"));
  }
  return parseHeaderClaim(headers.authorization, headers);
}

function parseHeaderClaim(
  authorization: string,
  headers: IncomingHttpHeaders,
): Result<SignatureClaim, S3Error> {
  if (!authorization.startsWith(`${ALGORITHM} `)) {
    return err(new S3Error("InvalidRequest", "Only AWS4-HMAC-SHA256 is supported."));
  }
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(",")
      .map((field) => splitOnce(field.trim(), "=")),
  );
  const timestamp = singleHeader(headers, "x-amz-date");
  if (timestamp === undefined) {
    return err(new S3Error("AccessDenied", "A valid x-amz-date header is required."));
  }
  const payloadHash = singleHeader(headers, "x-amz-content-sha256");
  if (payloadHash === undefined) {
    return err(new S3Error("InvalidRequest", "Missing required header: x-amz-content-sha256"));
  }
  return completeClaim("AuthorizationHeaderMalformed", {
    credential: fields.get("Credential"),
    signedHeaders: fields.get("SignedHeaders"),
    signature: fields.get("Signature"),
    timestamp,
    payloadHash,
    expiresSeconds: undefined,
  });
}

function parseQueryClaim(
  headers: IncomingHttpHeaders,
  query: ReadonlyMap<string, string>,
): Result<SignatureClaim, S3Error> {
  const code = "AuthorizationQueryParametersError";
  const expires = query.get("X-Amz-Expires") ?? "";
  const expiresSeconds = Number(expires);
  if (!/^\d{1,6}$/.test(expires) || expiresSeconds < 1 || expiresSeconds > SEVEN_DAYS_SECONDS) {
    return err(new S3Error(code, "X-Amz-Expires must be from 1 to 604800 seconds."));
  }
  if (query.get("X-Amz-Algorithm") !== ALGORITHM) return err(new S3Error(code));
  return completeClaim(code, {
    credential: query.get("X-Amz-Credential"),
    signedHeaders: query.get("X-Amz-SignedHeaders"),
    signature: query.get("X-Amz-Signature"),
    timestamp: query.get("X-Amz-Date") ?? "",
    payloadHash: singleHeader(headers, "x-amz-content-sha256") ?? "UNSIGNED-PAYLOAD",
    expiresSeconds,
  });
}

interface ClaimText {
  readonly credential: string | undefined;
  readonly signedHeaders: string | undefined;
  readonly signature: string | undefined;
  readonly timestamp: string;
  readonly payloadHash: string;
  readonly expiresSeconds: number | undefined;
}

function completeClaim(code: S3ErrorCode, text: ClaimText): Result<SignatureClaim, S3Error> {
  const { credential = "", signedHeaders = "", signature = "" } = text;
  const match = /^([^/]+)\/((\d{8})\/([^/]+)\/([^/]+)\/aws4_request)$/.exec(credential);
  const [, keyId, scope, date, region, service] = match ?? [];
  if (
    keyId === undefined ||
    scope === undefined ||
    date === undefined ||
    region === undefined ||
    service === undefined ||
    signedHeaders === "" ||
    !/^[0-9a-f]{64}$/.test(signature) ||
    !text.timestamp.startsWith(date)
  ) {
    return err(new S3Error(code));
  }
  const { timestamp, payloadHash, expiresSeconds } = text;
  return ok({
    keyId,
    date,
    region,
    service,
    scope,
    signedHeaders: signedHeaders.split(";"),
    signature,
    timestamp,
    payloadHash,
    expiresSeconds,
  });
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
}

function singleHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}
