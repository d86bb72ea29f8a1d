import { absenceError, requireCapability, requireName } from "../application-key.ts";
import { createXmlAnswer, type Answer } from "../answer.ts";
import { matchesEtag } from "../http/read-headers.ts";
import { decodePercent } from "../http/request-target.ts";
import {
  pickStoredHeaders,
  refuseConditionalWrite,
  requireLength,
  requireSingleSize,
} from "../http/write-headers.ts";
import { S3Error } from "../s3-error.ts";
import type { BucketStore } from "../store/bucket-store.ts";
import type { ObjectVersion, StoredHeaders } from "../store/object-version.ts";
import { readHeader, type OperationContext } from "./operation-context.ts";

/** The object version that a copy reads, and its bucket. */
export interface SourceVersion {
  readonly bucket: BucketStore;
  readonly version: ObjectVersion;
}

export async function putObject(context: OperationContext): Promise<Answer> {
  const { bucket, key, headers, body } = context;
  refuseConditionalWrite(headers);
  requireLength(headers);
  const version = await bucket.putObject(key, pickStoredHeaders(headers), body);
  return {
    status: 200,
    headers: { etag: version.etag, "x-amz-version-id": version.versionId },
  };
}

export async function copyObject(context: OperationContext): Promise<Answer> {
  refuseConditionalWrite(context.headers);
  const source = findCopySource(context);
  requireSingleSize(source.version.sizeBytes);
  const headers = chooseHeaders(context, source.version);
  const version = await context.bucket.copyObject(context.key, headers, source);
  return createXmlAnswer(
    [
      "CopyObjectResult",
      [
        ["LastModified", version.lastModified.toISOString()],
        ["ETag", version.etag],
      ],
    ],
    {
      "x-amz-version-id": version.versionId,
      "x-amz-copy-source-version-id": source.version.versionId,
    },
  );
}

/**
 * Returns the version that x-amz-copy-source names. Throws if the application key
 * may not read it, or if an x-amz-copy-source-if-* condition fails. B2 enforces
 * these conditions, although it refuses conditions on writes.
 */
export function findCopySource(context: OperationContext): SourceVersion {
  const { applicationKey } = context;
  const { bucketName, key, versionId } = parseCopySource(context);
  requireCapability(applicationKey, "readFiles");
  requireName(applicationKey, key);
  const bucket = context.findBucket(bucketName);
  if (bucket === undefined) throw new S3Error("NoSuchBucket");
  const version =
    versionId === undefined ? bucket.index.latest(key) : bucket.index.find(key, versionId);
  if (version?.kind !== "object") {
    throw absenceError(applicationKey, versionId === undefined ? "NoSuchKey" : "NoSuchVersion");
  }
  checkSourceConditions(context, version.etag);
  return { bucket, version };
}

function parseCopySource(context: OperationContext): {
  readonly bucketName: string;
  readonly key: string;
  readonly versionId: string | undefined;
} {
  const [encoded = "", version] = (readHeader(context, "x-amz-copy-source") ?? "").split("?");
  const match = /^\/?([^/]+)\/(.+)$/s.exec(decodePercent(encoded) ?? "");
  const [, bucketName, key] = match ?? [];
  const versionId = version === undefined ? undefined : /^versionId=(.+)$/.exec(version)?.[1];
  const malformed = version !== undefined && versionId === undefined;
  if (bucketName === undefined || key === undefined || malformed) {
    throw new S3Error("InvalidArgument", "x-amz-copy-source must name a bucket and a key");
  }
  return { bucketName, key, versionId };
}

function checkSourceConditions(context: OperationContext, etag: string): void {
  const condition = (name: string): string | undefined =>
    readHeader(context, `x-amz-copy-source-if-${name}`);
  const [match, noneMatch] = [condition("match"), condition("none-match")];
  if (match !== undefined && !matchesEtag(match, etag)) throw new S3Error("PreconditionFailed");
  if (noneMatch !== undefined && matchesEtag(noneMatch, etag)) {
    throw new S3Error("PreconditionFailed");
  }
  if ((condition("modified-since") ?? condition("unmodified-since")) !== undefined) {
    throw new S3Error("NotImplemented");
  }
}

function chooseHeaders(context: OperationContext, source: ObjectVersion): StoredHeaders {
  const directive = readHeader(context, "x-amz-metadata-directive") ?? "COPY";
  if (directive === "COPY") return source.headers;
  if (directive === "REPLACE") return pickStoredHeaders(context.headers);
  throw new S3Error("InvalidArgument", "x-amz-metadata-directive must be COPY or REPLACE");
}
