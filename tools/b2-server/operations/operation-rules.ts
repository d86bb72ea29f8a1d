import type { Capability } from "../application-key.ts";
import type { RequestTarget } from "../http/request-target.ts";

interface OperationRule {
  readonly name: string;
  readonly method: string;
  readonly on: "service" | "bucket" | "object";
  /** Query parameters that the operation requires. */
  readonly needs?: readonly string[];
  /** Optional query parameters. A request with any other parameter is another operation. */
  readonly allows?: readonly string[];
  /** Whether the request has the header x-amz-copy-source. */
  readonly copies?: boolean;
  readonly capability: Capability;
}

const LIST_PARAMETERS = ["prefix", "delimiter", "encoding-type"];

/**
 * The operations that the server knows. As in S3, the method, the level (service,
 * bucket or object) and the query parameters decide which operation a request is.
 * Deleting a version needs `deleteFiles` besides `writeFiles`; the handler checks
 * that.
 */
const OPERATION_RULES = [
  { name: "ListBuckets", method: "GET", on: "service", capability: "listFiles" },
  { name: "HeadBucket", method: "HEAD", on: "bucket", capability: "listFiles" },
  {
    name: "ListObjectsV2",
    method: "GET",
    on: "bucket",
    needs: ["list-type"],
    allows: [...LIST_PARAMETERS, "max-keys", "continuation-token", "start-after", "fetch-owner"],
    capability: "listFiles",
  },
  {
    name: "ListObjectVersions",
    method: "GET",
    on: "bucket",
    needs: ["versions"],
    allows: [...LIST_PARAMETERS, "max-keys", "key-marker", "version-id-marker"],
    capability: "listFiles",
  },
  {
    name: "ListMultipartUploads",
    method: "GET",
    on: "bucket",
    needs: ["uploads"],
    allows: ["prefix", "encoding-type", "max-uploads", "key-marker", "upload-id-marker"],
    capability: "listFiles",
  },
  {
    name: "GetBucketLifecycleConfiguration",
    method: "GET",
    on: "bucket",
    needs: ["lifecycle"],
    capability: "listFiles",
  },
  {
    name: "PutBucketLifecycleConfiguration",
    method: "PUT",
    on: "bucket",
    needs: ["lifecycle"],
    capability: "deleteFiles",
  },
  {
    name: "DeleteObjects",
    method: "POST",
    on: "bucket",
    needs: ["delete"],
    capability: "writeFiles",
  },
  {
    name: "GetObject",
    method: "GET",
    on: "object",
    allows: ["versionId"],
    capability: "readFiles",
  },
  {
    name: "HeadObject",
    method: "HEAD",
    on: "object",
    allows: ["versionId"],
    capability: "readFiles",
  },
  {
    name: "ListParts",
    method: "GET",
    on: "object",
    needs: ["uploadId"],
    allows: ["max-parts", "part-number-marker", "encoding-type"],
    capability: "writeFiles",
  },
  { name: "PutObject", method: "PUT", on: "object", capability: "writeFiles" },
  { name: "CopyObject", method: "PUT", on: "object", copies: true, capability: "writeFiles" },
  {
    name: "UploadPart",
    method: "PUT",
    on: "object",
    needs: ["partNumber", "uploadId"],
    capability: "writeFiles",
  },
  {
    name: "UploadPartCopy",
    method: "PUT",
    on: "object",
    needs: ["partNumber", "uploadId"],
    copies: true,
    capability: "writeFiles",
  },
  {
    name: "CreateMultipartUpload",
    method: "POST",
    on: "object",
    needs: ["uploads"],
    capability: "writeFiles",
  },
  {
    name: "CompleteMultipartUpload",
    method: "POST",
    on: "object",
    needs: ["uploadId"],
    capability: "writeFiles",
  },
  {
    name: "AbortMultipartUpload",
    method: "DELETE",
    on: "object",
    needs: ["uploadId"],
    capability: "writeFiles",
  },
  {
    name: "DeleteObject",
    method: "DELETE",
    on: "object",
    allows: ["versionId"],
    capability: "writeFiles",
  },
] as const satisfies readonly OperationRule[];

export type OperationName = (typeof OPERATION_RULES)[number]["name"];

export interface Operation {
  readonly name: OperationName;
  readonly capability: Capability;
}

/** Returns the operation that a request asks for, or `undefined` if the server does not know it. */
export function resolveOperation(
  method: string,
  target: RequestTarget,
  copies: boolean,
): Operation | undefined {
  const on = levelOf(target);
  const names = [...target.query.keys()].filter((name) => !isCommonParameter(name));
  return OPERATION_RULES.find((rule: OperationRule) => {
    const { needs = [], allows = [] } = rule;
    return (
      rule.method === method &&
      rule.on === on &&
      (rule.copies ?? false) === copies &&
      needs.every((name) => target.query.has(name)) &&
      names.every((name) => needs.includes(name) || allows.includes(name))
    );
  });
}

function levelOf(target: RequestTarget): OperationRule["on"] {
  if (target.key !== "") return "object";
  return target.bucket === "" ? "service" : "bucket";
}

// The parameters of a presigned request, and the operation name that AWS's SDKs add.
function isCommonParameter(name: string): boolean {
  return name.startsWith("X-Amz-") || name === "x-id";
}
