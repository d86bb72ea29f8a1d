import { readElement } from "../../src/http/s3-xml.ts";
import type { BucketAnswer, BucketRequest } from "./bucket-call.ts";

/** What a run has written, or may have: noted before each request leaves. */
export interface Trace {
  /** The whole prefix of its keys, ending in a slash. */
  readonly folder: string;
  /** Names in the folder that may hold an object. */
  readonly names: ReadonlySet<string>;
  /** Names of the uploads that are still open, by upload id. */
  readonly uploads: ReadonlyMap<string, string>;
  note(request: BucketRequest): void;
  noteAnswer(request: BucketRequest, answer: BucketAnswer): void;
}

export function createTrace(folder: string): Trace {
  const names = new Set<string>();
  const uploads = new Map<string, string>();
  return {
    folder,
    names,
    uploads,
    note({ method, name }) {
      if (name !== undefined && (method === "PUT" || method === "POST")) names.add(name);
    },
    noteAnswer({ method, name, query }, { status, text }) {
      const uploadId = query?.["uploadId"];
      const created = query?.["uploads"] === undefined ? undefined : readElement(text, "UploadId");
      if (name !== undefined && method === "POST" && created !== undefined) {
        uploads.set(created, name);
      }
      const isEnded =
        (method === "DELETE" && (status < 300 || status === 404)) ||
        (method === "POST" && readElement(text, "ETag") !== undefined);
      if (uploadId !== undefined && isEnded) uploads.delete(uploadId);
    },
  };
}
