import { absenceError } from "../application-key.ts";
import type { Answer } from "../answer.ts";
import {
  evaluateReadCondition,
  formatContentRange,
  parseRangeHeader,
} from "../http/read-headers.ts";
import { S3Error } from "../s3-error.ts";
import type { ObjectVersion } from "../store/object-version.ts";
import { readHeader, type OperationContext } from "./operation-context.ts";

export async function getObject(context: OperationContext): Promise<Answer> {
  const version = findVersion(context);
  const { answer, start, length } = describe(context, version);
  if (answer.status === 304) return answer;
  const file = await context.bucket.openBody(version);
  return { ...answer, body: { file, start, length } };
}

export async function headObject(context: OperationContext): Promise<Answer> {
  return describe(context, findVersion(context)).answer;
}

function describe(
  context: OperationContext,
  version: ObjectVersion,
): { answer: Answer; start: number; length: number } {
  const headers = formatObjectHeaders(version);
  const { sizeBytes } = version;
  const whole = { start: 0, length: sizeBytes };
  const condition = evaluateReadCondition(
    {
      ifMatch: readHeader(context, "if-match"),
      ifNoneMatch: readHeader(context, "if-none-match"),
    },
    version.etag,
  );
  if (condition === "failed") throw new S3Error("PreconditionFailed");
  if (condition === "not-modified") return { answer: { status: 304, headers }, ...whole };
  const range = parseRangeHeader(readHeader(context, "range"), sizeBytes);
  if (range === "unsatisfiable") {
    throw new S3Error("InvalidRange", undefined, { "content-range": `bytes */${sizeBytes}` });
  }
  const length = String((range ?? whole).length);
  if (range === undefined) {
    return { answer: { status: 200, headers: { ...headers, "content-length": length } }, ...whole };
  }
  const contentRange = formatContentRange(range, sizeBytes);
  const ranged = { ...headers, "content-length": length, "content-range": contentRange };
  return { answer: { status: 206, headers: ranged }, ...range };
}

/** The headers that describe an object, for GET and HEAD. */
function formatObjectHeaders(version: ObjectVersion): Readonly<Record<string, string>> {
  return {
    "content-type": "application/octet-stream",
    ...version.headers,
    "accept-ranges": "bytes",
    "last-modified": version.lastModified.toUTCString(),
    etag: version.etag,
    "x-amz-version-id": version.versionId,
  };
}

function findVersion(context: OperationContext): ObjectVersion {
  const { bucket, key, query, applicationKey } = context;
  const versionId = query.get("versionId");
  const version =
    versionId === undefined ? bucket.index.latest(key) : bucket.index.find(key, versionId);
  if (version?.kind === "object") return version;
  if (version === undefined) {
    throw absenceError(applicationKey, versionId === undefined ? "NoSuchKey" : "NoSuchVersion");
  }
  throw absenceError(applicationKey, versionId === undefined ? "NoSuchKey" : "MethodNotAllowed", {
    "x-amz-delete-marker": "true",
    "x-amz-version-id": version.versionId,
  });
}
