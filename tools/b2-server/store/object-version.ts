import { err, ok, type Result } from "../../../src/result.ts";

/** The headers stored with an object: names in lower case, values as sent. */
export type StoredHeaders = Readonly<Record<string, string>>;

interface Version {
  readonly key: string;
  /** Later versions have greater IDs (see `Sequence`). */
  readonly versionId: string;
  readonly lastModified: Date;
}

/** One version of an object. Its bytes never change. */
export interface ObjectVersion extends Version {
  readonly kind: "object";
  readonly sizeBytes: number;
  /** The entity tag with its quotes, as it is sent. */
  readonly etag: string;
  readonly headers: StoredHeaders;
}

/** A delete marker: a version that hides the versions before it. */
export interface DeleteMarker extends Version {
  readonly kind: "marker";
}

export type AnyVersion = ObjectVersion | DeleteMarker;

/** Formats a version as a line of JSON. */
export function formatVersion(version: AnyVersion): string {
  return `${JSON.stringify(version)}\n`;
}

/** Parses the output of `formatVersion`. */
export function parseVersion(text: string): Result<AnyVersion> {
  const record = parseRecord(text);
  if (record === undefined) return err("not a JSON object");
  const { kind, key, versionId, sizeBytes, etag } = record;
  const lastModified = new Date(String(record["lastModified"]));
  if (
    typeof key !== "string" ||
    typeof versionId !== "string" ||
    Number.isNaN(lastModified.getTime())
  ) {
    return err("not a version");
  }
  if (kind === "marker") return ok({ kind, key, versionId, lastModified });
  const headers = parseHeaders(record["headers"]);
  if (
    kind !== "object" ||
    typeof sizeBytes !== "number" ||
    typeof etag !== "string" ||
    headers === undefined
  ) {
    return err("not an object version");
  }
  return ok({ kind, key, versionId, lastModified, sizeBytes, etag, headers });
}

/** Returns the stored headers in a JSON value, or `undefined` if a value is not a string. */
export function parseHeaders(value: unknown): StoredHeaders | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const entries = Object.entries(value);
  return entries.every(([, text]) => typeof text === "string")
    ? Object.fromEntries(entries)
    : undefined;
}

/** Parses a JSON object. Returns `undefined` if the text is not one. */
export function parseRecord(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
