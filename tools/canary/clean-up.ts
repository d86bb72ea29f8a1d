import { readElement, readElements } from "../../src/http/s3-xml.ts";
import type { CanaryBucket } from "./canary-bucket.ts";
import { listKeys } from "./bucket-steps.ts";

/**
 * Deletes the objects that a run wrote, and aborts its uploads. Returns the keys of
 * the objects and uploads that are left. Never throws.
 */
export async function cleanUp(bucket: CanaryBucket): Promise<readonly string[]> {
  const { folder, names, uploads } = bucket.trace;
  const leftovers = new Set<string>();
  // An upload may exist although its creation answered 500. Only a listing shows its ID.
  const open = new Map([...uploads, ...(await listUploads(bucket).catch(() => []))]);
  for (const [uploadId, name] of open) {
    const isGone = await succeeds(bucket, { method: "DELETE", name, query: { uploadId } });
    if (!isGone) leftovers.add(`${folder}${name} (upload ${uploadId})`);
  }
  for (const name of (await visibleNames(bucket)) ?? names) {
    if (!(await succeeds(bucket, { method: "DELETE", name }))) leftovers.add(folder + name);
  }
  for (const name of (await visibleNames(bucket)) ?? []) leftovers.add(folder + name);
  return [...leftovers];
}

/** Returns the names in a listing, or `undefined` if the application key may not list. */
async function visibleNames(bucket: CanaryBucket): Promise<readonly string[] | undefined> {
  const { folder } = bucket.trace;
  const keys = await listKeys(bucket, "").catch(() => undefined);
  // The clean-up must not delete an object outside the folder, even if a listing is wrong.
  return keys?.filter((key) => key.startsWith(folder)).map((key) => key.slice(folder.length));
}

async function listUploads(bucket: CanaryBucket): Promise<readonly (readonly [string, string])[]> {
  const { folder } = bucket.trace;
  const answer = await bucket.send({ method: "GET", query: { uploads: "", prefix: folder } });
  return readElements(answer.text, "Upload")
    .map((xml) => [readElement(xml, "UploadId") ?? "", readElement(xml, "Key") ?? ""] as const)
    .filter(([uploadId, key]) => uploadId !== "" && key.startsWith(folder))
    .map(([uploadId, key]) => [uploadId, key.slice(folder.length)] as const);
}

async function succeeds(
  bucket: CanaryBucket,
  request: Parameters<CanaryBucket["send"]>[0],
): Promise<boolean> {
  try {
    const { status } = await bucket.send(request);
    return (status >= 200 && status < 300) || status === 404;
  } catch {
    return false;
  }
}
