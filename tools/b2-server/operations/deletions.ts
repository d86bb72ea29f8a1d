import { requireCapability, requireName } from "../application-key.ts";
import { createXmlAnswer, type Answer } from "../answer.ts";
import { readText } from "../http/request-body.ts";
import { checkObjectKey } from "../http/request-target.ts";
import { S3Error } from "../s3-error.ts";
import type { AnyVersion } from "../store/object-version.ts";
import type { XmlElement } from "../xml/format-xml.ts";
import { childText, parseXml } from "../xml/parse-xml.ts";
import type { OperationContext } from "./operation-context.ts";

/** An object to delete: its latest version is hidden, or the given version removed. */
interface DoomedObject {
  readonly key: string;
  readonly versionId: string | undefined;
}

const MAX_OBJECTS = 1000;
// 1,000 keys of 1,024 bytes. In the worst case each byte is escaped as "&quot;",
// which takes 6 bytes: 6 MB, and the rest is room for the elements.
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;

/** The result of a deletion: the version it made or removed, and if that is a delete marker. */
interface Deleted {
  readonly versionId: string;
  readonly marker: boolean;
}

export async function deleteObject(context: OperationContext): Promise<Answer> {
  const deleted = await performDelete(context, context.key, context.query.get("versionId"));
  return { status: 204, headers: formatDeleted(deleted) };
}

function formatDeleted(deleted: Deleted): Readonly<Record<string, string>> {
  const headers = { "x-amz-version-id": deleted.versionId };
  return deleted.marker ? { ...headers, "x-amz-delete-marker": "true" } : headers;
}

/**
 * Deletes each listed object separately. The answer is 200 even if some or all
 * objects could not be deleted; it lists the errors.
 */
export async function deleteObjects(context: OperationContext): Promise<Answer> {
  const { objects, quiet } = parseDelete(await readText(context.body, MAX_REQUEST_BYTES));
  const results: XmlElement[] = [];
  for (const object of objects) {
    const result = await deleteOne(context, object);
    if (!quiet || result[0] === "Error") results.push(result);
  }
  return createXmlAnswer(["DeleteResult", results]);
}

async function deleteOne(context: OperationContext, object: DoomedObject): Promise<XmlElement> {
  const { key, versionId } = object;
  const named: readonly XmlElement[] =
    versionId === undefined
      ? [["Key", key]]
      : [
          ["Key", key],
          ["VersionId", versionId],
        ];
  try {
    const checked = checkObjectKey(key);
    if (!checked.ok) throw checked.error;
    requireName(context.applicationKey, key);
    const deleted = await performDelete(context, key, versionId);
    if (!deleted.marker) return ["Deleted", named];
    return [
      "Deleted",
      [...named, ["DeleteMarker", true], ["DeleteMarkerVersionId", deleted.versionId]],
    ];
  } catch (error) {
    if (!(error instanceof S3Error)) throw error;
    return ["Error", [...named, ["Code", error.code], ["Message", error.message]]];
  }
}

function parseDelete(text: string): { objects: readonly DoomedObject[]; quiet: boolean } {
  const document = parseXml(text);
  if (!document.ok || document.value.name !== "Delete") throw new S3Error("MalformedXML");
  const quiet = childText(document.value, "Quiet")?.trim() === "true";
  const objects = document.value.children
    .filter((child) => child.name === "Object")
    .map((child): DoomedObject => {
      const key = childText(child, "Key") ?? "";
      if (key === "") throw new S3Error("MalformedXML");
      return { key, versionId: childText(child, "VersionId") };
    });
  if (objects.length === 0) throw new S3Error("MalformedXML");
  if (objects.length > MAX_OBJECTS) {
    throw new S3Error("InvalidRequest", `At most ${MAX_OBJECTS} objects may be deleted at once`);
  }
  return { objects, quiet };
}

/**
 * Hides the object with a delete marker, even if the object does not exist. With
 * a `versionId`, removes that version instead, and succeeds if the version does
 * not exist.
 */
async function performDelete(
  context: OperationContext,
  key: string,
  versionId: string | undefined,
): Promise<Deleted> {
  const { bucket, applicationKey } = context;
  if (versionId === undefined) {
    const marker = await bucket.hideObject(key);
    return { versionId: marker.versionId, marker: true };
  }
  requireCapability(applicationKey, "deleteFiles");
  const version: AnyVersion | undefined = bucket.index.find(key, versionId);
  if (version !== undefined) await bucket.deleteVersion(version);
  return { versionId, marker: version?.kind === "marker" };
}
