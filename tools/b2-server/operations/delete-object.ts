import { requireCapability } from "../application-key.ts";
import type { Answer } from "../answer.ts";
import type { AnyVersion } from "../store/object-version.ts";
import type { OperationContext } from "./operation-context.ts";

export async function deleteObject(context: OperationContext): Promise<Answer> {
  const deleted = await performDelete(context, context.key, context.query.get("versionId"));
  return { status: 204, headers: formatDeleted(deleted) };
}

export interface Deleted {
  readonly versionId: string;
  readonly marker: boolean;
}

/**
 * Without a version, hides the object, if there is one or not; with one,
 * removes it, and is content if it is gone already.
 */
export async function performDelete(
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

function formatDeleted(deleted: Deleted): Readonly<Record<string, string>> {
  const headers = { "x-amz-version-id": deleted.versionId };
  return deleted.marker ? { ...headers, "x-amz-delete-marker": "true" } : headers;
}
