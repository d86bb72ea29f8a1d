import { readElement, readElements } from "../../http/s3-xml.ts";
import { err, ok, type Result } from "../../result.ts";
import { readSeconds } from "./parse-listing.ts";

/** A multipart upload that is neither completed nor aborted. */
export interface OpenUploadEntry {
  /** The key without the prefix of the cache. From outside: it may be any text. */
  readonly path: string;
  readonly startedSeconds: number | undefined;
}

/** One page of a list of unfinished uploads. */
export interface UploadsPage {
  readonly uploads: readonly OpenUploadEntry[];
  /** The query parameters of the next page. Undefined on the last page. */
  readonly next: Readonly<Record<string, string>> | undefined;
}

/** Parses an answer to ListMultipartUploads. The error is a clause, and does not quote the answer. */
export function parseUploads(xml: string, prefix: string): Result<UploadsPage> {
  if (!/<ListMultipartUploadsResult[\s>]/.test(xml)) return err("it is not a list of uploads");
  // The rest repeats the names of these elements for each upload.
  const head = xml.split("<Upload>", 1)[0] ?? "";
  if ((readElement(head, "Prefix") ?? "") !== prefix) return err("it is a list of another prefix");
  const uploads: OpenUploadEntry[] = [];
  for (const upload of readElements(xml, "Upload")) {
    const key = readElement(upload, "Key");
    if (key === undefined || !key.startsWith(prefix)) {
      return err("it has a key outside the prefix that was asked for");
    }
    uploads.push({
      path: key.slice(prefix.length),
      startedSeconds: readSeconds(upload, "Initiated"),
    });
  }
  if (readElement(xml, "IsTruncated") !== "true") return ok({ uploads, next: undefined });
  const key = readElement(xml, "NextKeyMarker") ?? "";
  if (key === "" || uploads.length === 0) return err("it says that there is more, not where");
  const id = readElement(xml, "NextUploadIdMarker") ?? "";
  return ok({ uploads, next: { "key-marker": key, "upload-id-marker": id } });
}
