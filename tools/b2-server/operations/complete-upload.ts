import { createXmlAnswer, type Answer } from "../answer.ts";
import { bareEtag } from "../http/read-condition.ts";
import { readText } from "../http/request-body.ts";
import { S3Error } from "../s3-error.ts";
import type { Upload, UploadPart } from "../store/upload-store.ts";
import { childText, parseXml } from "../xml/parse-xml.ts";
import type { OperationContext } from "./operation-context.ts";
import { findUpload } from "./upload-parts.ts";
import { refuseConditionalWrite } from "./write-headers.ts";

// Of every part but the last.
const MIN_PART_BYTES = 5 * 1024 * 1024;
// 10,000 parts of some 120 bytes, with room for checksums beside the tags.
const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

export async function completeMultipartUpload(context: OperationContext): Promise<Answer> {
  const { bucket, bucketName, key, headers } = context;
  refuseConditionalWrite(headers);
  const upload = findUpload(context);
  const text = await readText(context.body, MAX_REQUEST_BYTES);
  const parts = chooseParts(upload, text);
  // Another request may have ended it while this one's body came in.
  const version = await bucket.completeUpload(findUpload(context), parts);
  return createXmlAnswer(
    [
      "CompleteMultipartUploadResult",
      [
        ["Location", `http://${headers.host ?? ""}/${bucketName}/${key}`],
        ["Bucket", bucketName],
        ["Key", key],
        ["ETag", version.etag],
      ],
    ],
    { "x-amz-version-id": version.versionId },
  );
}

export async function abortMultipartUpload(context: OperationContext): Promise<Answer> {
  await context.bucket.abortUpload(findUpload(context));
  return { status: 204, headers: {} };
}

/** The parts that the request lists, each checked against what was uploaded. */
function chooseParts(upload: Upload, text: string): readonly UploadPart[] {
  const document = parseXml(text);
  if (!document.ok || document.value.name !== "CompleteMultipartUpload") {
    throw new S3Error("MalformedXML");
  }
  const listed = document.value.children.filter((child) => child.name === "Part");
  if (listed.length === 0) throw new S3Error("MalformedXML");
  const parts: UploadPart[] = [];
  for (const element of listed) {
    const number = Number(childText(element, "PartNumber")?.trim());
    const etag = bareEtag(childText(element, "ETag") ?? "");
    if (!Number.isInteger(number)) throw new S3Error("MalformedXML");
    if (number <= (parts.at(-1)?.number ?? 0)) throw new S3Error("InvalidPartOrder");
    const part = upload.parts.get(number);
    if (part === undefined || part.md5.toString("hex") !== etag) throw new S3Error("InvalidPart");
    parts.push(part);
  }
  if (parts.slice(0, -1).some((part) => part.sizeBytes < MIN_PART_BYTES)) {
    throw new S3Error("EntityTooSmall");
  }
  return parts;
}
