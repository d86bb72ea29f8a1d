import { readElement } from "../../src/http/s3-xml.ts";
import type { BucketAnswer, BucketRequest } from "./bucket-call.ts";

/** The objects and uploads that a run may have written, noted before each request is sent. */
export interface Trace {
  /** The prefix of every key of the run, with a final slash. */
  readonly folder: string;
  /** Names in the folder that may hold an object. */
  readonly names: ReadonlySet<string>;
  /** Names of the open uploads, by upload ID. */
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
