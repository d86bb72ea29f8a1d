import { requireName } from "../application-key.ts";
import { createXmlAnswer, type Answer } from "../answer.ts";
import { S3Error } from "../s3-error.ts";
import { compareKeys } from "../store/compare-keys.ts";
import type { ObjectVersion } from "../store/object-version.ts";
import type { XmlElement } from "../xml/format-xml.ts";
import {
  chooseNameEncoding,
  collectPage,
  formatCommonPrefixes,
  formatOptional,
  readLimit,
  type EncodeName,
} from "./list-page.ts";
import type { OperationContext } from "./operation-context.ts";

export async function listObjects(context: OperationContext): Promise<Answer> {
  const { bucket, query, applicationKey } = context;
  if (query.get("list-type") !== "2") throw new S3Error("NotImplemented");
  const prefix = query.get("prefix") ?? "";
  requireName(applicationKey, prefix);
  const token = query.get("continuation-token");
  const startAfter = query.get("start-after");
  const marker = token === undefined ? (startAfter ?? "") : parseToken(token);
  const limit = readLimit(query, "max-keys");
  const encode = chooseNameEncoding(query);
  const delimiter = query.get("delimiter") ?? "";
  const first = compareKeys(prefix, marker) < 0 ? marker : prefix;
  const page = collectPage(
    bucket.index.keysFrom(first),
    (key) => {
      const object = bucket.index.visible(key);
      return object === undefined || (key === marker && marker !== "") ? [] : [object];
    },
    { prefix, delimiter, marker, limit },
  );
  const next = page.truncated && page.last !== undefined ? page.last.marker : undefined;
  return createXmlAnswer([
    "ListBucketResult",
    [
      ["Name", context.bucketName],
      ["Prefix", encode(prefix)],
      ...formatOptional("Delimiter", delimiter === "" ? undefined : encode(delimiter)),
      ["MaxKeys", limit],
      ...formatOptional("EncodingType", query.get("encoding-type")),
      ["KeyCount", page.entries.length + page.commonPrefixes.length],
      ["IsTruncated", page.truncated],
      ...formatOptional("ContinuationToken", token),
      ...formatOptional("StartAfter", startAfter === undefined ? undefined : encode(startAfter)),
      ...formatOptional("NextContinuationToken", next === undefined ? next : formatToken(next)),
      ...page.entries.map((object) => formatObject(object, encode)),
      ...formatCommonPrefixes(page.commonPrefixes, encode),
    ],
  ]);
}

function formatObject(object: ObjectVersion, encode: EncodeName): XmlElement {
  return [
    "Contents",
    [
      ["Key", encode(object.key)],
      ["LastModified", object.lastModified.toISOString()],
      ["ETag", object.etag],
      ["Size", object.sizeBytes],
      ["StorageClass", "STANDARD"],
    ],
  ];
}

// Clients treat the token as opaque. base64url keeps it safe in a query for any key.
function formatToken(marker: string): string {
  return Buffer.from(`after:${marker}`).toString("base64url");
}

function parseToken(token: string): string {
  const text = Buffer.from(token, "base64url").toString("utf8");
  if (!text.startsWith("after:")) {
    throw new S3Error("InvalidArgument", "The continuation token provided is incorrect");
  }
  return text.slice("after:".length);
}
