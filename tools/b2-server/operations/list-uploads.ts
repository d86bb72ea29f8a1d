import { requireName } from "../application-key.ts";
import { createXmlAnswer, type Answer } from "../answer.ts";
import { compareKeys } from "../store/compare-keys.ts";
import type { MultipartUpload } from "../store/upload-store.ts";
import type { XmlElement } from "../xml/format-xml.ts";
import { chooseNameEncoding, formatOptional, readLimit } from "./list-page.ts";
import type { OperationContext } from "./operation-context.ts";
import { findUpload, formatPartEtag } from "./multipart-upload.ts";

export async function listMultipartUploads(context: OperationContext): Promise<Answer> {
  const { bucket, query, applicationKey } = context;
  const prefix = query.get("prefix") ?? "";
  requireName(applicationKey, prefix);
  const marker = query.get("key-marker") ?? "";
  const uploadMarker = query.get("upload-id-marker") ?? "";
  const limit = readLimit(query, "max-uploads");
  const encode = chooseNameEncoding(query);
  const rest = bucket.uploads
    .list()
    .filter((upload) => upload.key.startsWith(prefix))
    .filter((upload) => isPast(upload, marker, uploadMarker));
  const uploads = rest.slice(0, limit);
  const last = rest.length > uploads.length ? uploads.at(-1) : undefined;
  return createXmlAnswer([
    "ListMultipartUploadsResult",
    [
      ["Bucket", context.bucketName],
      ["KeyMarker", encode(marker)],
      ["UploadIdMarker", uploadMarker],
      ["Prefix", encode(prefix)],
      ["MaxUploads", limit],
      ...formatOptional("EncodingType", query.get("encoding-type")),
      ["IsTruncated", last !== undefined],
      ...formatOptional("NextKeyMarker", last === undefined ? last : encode(last.key)),
      ...formatOptional("NextUploadIdMarker", last?.uploadId),
      ...uploads.map(({ key, uploadId, initiated }): XmlElement => [
        "Upload",
        [
          ["Key", encode(key)],
          ["UploadId", uploadId],
          ["Initiated", initiated.toISOString()],
        ],
      ]),
    ],
  ]);
}

export async function listParts(context: OperationContext): Promise<Answer> {
  const { query, bucketName, key } = context;
  const upload = findUpload(context);
  const limit = readLimit(query, "max-parts");
  const marker = Number(query.get("part-number-marker") ?? 0);
  const encode = chooseNameEncoding(query);
  const rest = [...upload.parts.values()]
    .filter((part) => part.number > marker)
    .toSorted((a, b) => a.number - b.number);
  const parts = rest.slice(0, limit);
  const truncated = rest.length > parts.length && parts.length > 0;
  return createXmlAnswer([
    "ListPartsResult",
    [
      ["Bucket", bucketName],
      ["Key", encode(key)],
      ["UploadId", upload.uploadId],
      ["PartNumberMarker", marker],
      ...formatOptional("NextPartNumberMarker", truncated ? `${parts.at(-1)?.number}` : undefined),
      ["MaxParts", limit],
      ["IsTruncated", truncated],
      ...parts.map((part): XmlElement => [
        "Part",
        [
          ["PartNumber", part.number],
          ["LastModified", part.lastModified.toISOString()],
          ["ETag", formatPartEtag(part)],
          ["Size", part.sizeBytes],
        ],
      ]),
    ],
  ]);
}

// Uploads are listed by key, then by upload ID. An upload comes after the markers
// if its key is greater, or if the keys are equal and its ID is greater.
function isPast(upload: MultipartUpload, keyMarker: string, uploadMarker: string): boolean {
  if (keyMarker === "") return true;
  const order = compareKeys(upload.key, keyMarker);
  if (order !== 0) return order > 0;
  return uploadMarker !== "" && upload.uploadId > uploadMarker;
}
