import type { IncomingHttpHeaders } from "node:http";
import type { ObjectVersion, StoredHeaders } from "../store/object-version.ts";

const STORED = new Set([
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-type",
  "expires",
]);

/** The headers of an upload that every read of the object gives back. */
export function pickStoredHeaders(headers: IncomingHttpHeaders): StoredHeaders {
  const picked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const stored = STORED.has(name) || name.startsWith("x-amz-meta-");
    if (stored && typeof value === "string") picked[name] = value;
  }
  return picked;
}

/** The headers that describe an object, for GET and HEAD. */
export function formatObjectHeaders(version: ObjectVersion): Readonly<Record<string, string>> {
  return {
    "content-type": "application/octet-stream",
    ...version.headers,
    "accept-ranges": "bytes",
    "last-modified": version.lastModified.toUTCString(),
    etag: version.etag,
    "x-amz-version-id": version.versionId,
  };
}
