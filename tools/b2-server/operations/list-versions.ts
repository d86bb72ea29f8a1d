import { requireName } from "../application-key.ts";
import { createXmlAnswer, type Answer } from "../answer.ts";
import { S3Error } from "../s3-error.ts";
import { compareKeys } from "../store/compare-keys.ts";
import type { AnyVersion } from "../store/object-version.ts";
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

export async function listVersions(context: OperationContext): Promise<Answer> {
  const { bucket, query, applicationKey } = context;
  const prefix = query.get("prefix") ?? "";
  requireName(applicationKey, prefix);
  const marker = query.get("key-marker") ?? "";
  const versionMarker = query.get("version-id-marker") ?? "";
  if (versionMarker !== "" && marker === "") {
    throw new S3Error("InvalidArgument", "version-id-marker needs a key-marker");
  }
  const limit = readLimit(query, "max-keys");
  const encode = chooseNameEncoding(query);
  const delimiter = query.get("delimiter") ?? "";
  const first = compareKeys(prefix, marker) < 0 ? marker : prefix;
  const page = collectPage(
    bucket.index.keysFrom(first),
    (key) => {
      const versions = bucket.index.versionsOf(key);
      if (key !== marker) return versions;
      return versions.filter((version) => version.versionId < versionMarker);
    },
    { prefix, delimiter, marker, limit },
  );
  const next = page.truncated ? page.last : undefined;
  return createXmlAnswer([
    "ListVersionsResult",
    [
      ["Name", context.bucketName],
      ["Prefix", encode(prefix)],
      ["KeyMarker", encode(marker)],
      ["VersionIdMarker", versionMarker],
      ...formatOptional("Delimiter", delimiter === "" ? undefined : encode(delimiter)),
      ["MaxKeys", limit],
      ...formatOptional("EncodingType", query.get("encoding-type")),
      ["IsTruncated", page.truncated],
      ...formatOptional("NextKeyMarker", next === undefined ? next : encode(next.marker)),
      ...formatOptional("NextVersionIdMarker", next?.entry?.versionId),
      ...page.entries.map((version) =>
        formatVersion(version, bucket.index.latest(version.key) === version, encode),
      ),
      ...formatCommonPrefixes(page.commonPrefixes, encode),
    ],
  ]);
}

function formatVersion(version: AnyVersion, isLatest: boolean, encode: EncodeName): XmlElement {
  const named: readonly XmlElement[] = [
    ["Key", encode(version.key)],
    ["VersionId", version.versionId],
    ["IsLatest", isLatest],
    ["LastModified", version.lastModified.toISOString()],
  ];
  if (version.kind === "marker") return ["DeleteMarker", named];
  const { etag, sizeBytes } = version;
  return ["Version", [...named, ["ETag", etag], ["Size", sizeBytes], ["StorageClass", "STANDARD"]]];
}
