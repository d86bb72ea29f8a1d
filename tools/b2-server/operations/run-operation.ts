import { S3Error } from "../s3-error.ts";
import type { Answer } from "../answer.ts";
import { deleteObject, deleteObjects } from "./deletions.ts";
import { getObject, headObject } from "./get-object.ts";
import { getLifecycle, putLifecycle } from "./lifecycle.ts";
import { listObjects } from "./list-objects.ts";
import { listMultipartUploads, listParts } from "./list-uploads.ts";
import { listVersions } from "./list-versions.ts";
import {
  abortMultipartUpload,
  completeMultipartUpload,
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
} from "./multipart-upload.ts";
import type { OperationContext, OperationHandler } from "./operation-context.ts";
import type { OperationName } from "./operation-rules.ts";
import { copyObject, putObject } from "./put-object.ts";

// B2 answers ListBuckets and HeadBucket only for keys that may list all buckets.
// The application keys of this server never may.
const refuse: OperationHandler = async () => {
  throw new S3Error("AccessDenied", "not entitled");
};

const HANDLERS: Readonly<Record<OperationName, OperationHandler>> = {
  ListBuckets: refuse,
  HeadBucket: refuse,
  ListObjectsV2: listObjects,
  ListObjectVersions: listVersions,
  ListMultipartUploads: listMultipartUploads,
  GetBucketLifecycleConfiguration: getLifecycle,
  PutBucketLifecycleConfiguration: putLifecycle,
  DeleteObjects: deleteObjects,
  GetObject: getObject,
  HeadObject: headObject,
  ListParts: listParts,
  PutObject: putObject,
  CopyObject: copyObject,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  CreateMultipartUpload: createMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  AbortMultipartUpload: abortMultipartUpload,
  DeleteObject: deleteObject,
};

/** Carries out an operation and returns its answer. Throws an `S3Error` if it is refused. */
export async function runOperation(
  name: OperationName,
  context: OperationContext,
): Promise<Answer> {
  return HANDLERS[name](context);
}
