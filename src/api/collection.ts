import {
  array,
  boolean,
  type InferOutput,
  nullable,
  number,
  object,
  picklist,
  pipe,
  readonly,
  regex,
  string,
} from "valibot";
import { notAnObject } from "./read-shape.ts";

/** Body of `POST /api/v1/gc`. A "plan" only finds out what is not kept; a "run" removes it. */
export const collectSchema = object({ kind: picklist(["plan", "run"]) }, notAnObject);

/** The rules that keep a path, in the order in which they are asked. */
export const KEEPING_RULES = ["pushing", "pinned", "young", "newest", "needed"] as const;

/** The most paths in one answer of `GET /api/v1/gc/paths`. */
export const MAX_PLANNED_PATHS = 1000;

const hash = pipe(
  string(),
  regex(/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/, "is not 32 digits of nix32"),
);
const time = nullable(string());

const runSchema = object({
  kind: picklist(["plan", "run"]),
  by: string(),
  startedAt: string(),
  endedAt: time,
  phase: string(),
  /** The number of paths that stay, by the first rule that keeps each. */
  kept: object({
    pushing: number(),
    pinned: number(),
    young: number(),
    newest: number(),
    needed: number(),
  }),
  /** The paths that nothing keeps, and the bytes of their NARs as stored. */
  going: number(),
  goingBytes: number(),
  removedPaths: number(),
  removedNars: number(),
  removedBytes: number(),
  /** With KEEP_GIGABYTES: paths that were older than this are not kept by their age. */
  budgetCutoff: time,
});

/** Answer of `POST /api/v1/gc` and of `GET /api/v1/gc/state`. */
export const collectionStateSchema = object({
  collecting: boolean(),
  running: nullable(runSchema),
  last: nullable(runSchema),
  /** Why nothing is removed at present, each with what to do. */
  obstacles: pipe(array(string()), readonly()),
  /** How long a path stays after nothing keeps it, and its NAR after that. */
  pathGraceSeconds: number(),
  narGraceSeconds: number(),
});
export type CollectionState = Readonly<InferOutput<typeof collectionStateSchema>>;

/** Answer of `GET /api/v1/gc/paths?show=going|staying&after=<hash>`. */
export const plannedPathsSchema = object({
  paths: array(
    object({
      path: hash,
      name: nullable(string()),
      bytes: nullable(number()),
      pushedAt: time,
      usedAt: time,
      /** When the narinfo may go at the earliest. */
      goesAt: time,
      rule: nullable(picklist(KEEPING_RULES)),
    }),
  ),
  /** The `after` of the next page. */
  next: nullable(hash),
});
export type PlannedPathsAnswer = InferOutput<typeof plannedPathsSchema>;

/** Answer of `GET /api/v1/why?path=<hash>`. */
export const whySchema = object({
  state: picklist(["absent", "removed", "deleting", "going", "kept"]),
  /** From the path to the path that the rule keeps; each refers to the one before it. */
  chain: array(object({ path: hash, name: nullable(string()) })),
  rule: nullable(picklist(KEEPING_RULES)),
  since: time,
  goesAt: time,
  /** Whether anything is removed from this cache at all. */
  collecting: boolean(),
});
export type WhyPathAnswer = InferOutput<typeof whySchema>;
