import type { Bucket } from "../bucket/bucket.ts";
import type { NargatePath } from "../bucket/nargate-path.ts";
import type { Log } from "../log.ts";
import type { AbsenceRules } from "./absence-rules.ts";
import type { FilterFile } from "./filter-file.ts";

/** Everything that looks at the folder of the absences, and keeps its filter, works with. */
export interface AbsenceContext {
  readonly bucket: Pick<Bucket, "list" | "read" | "head" | "put" | "delete">;
  /** Names the deployment; see `FilterFile.deployment`. Empty if the platform does not name it. */
  readonly deployment: string;
  readonly rules: AbsenceRules;
  readonly log: Log;
  /** The isolate's time in milliseconds. */
  now(): number;
  /** A number from 0 to 1, without 1. */
  random(): number;
}

/** A filter that this isolate has read. */
export interface LoadedFilter {
  readonly path: NargatePath;
  /** The time when it was stored, by the bucket's clock, in milliseconds. */
  readonly at: number;
  readonly file: FilterFile;
}

export const STORED_AS = { contentType: "application/octet-stream" } as const;
