import type { StorePathHash } from "../../../nix/store-path.ts";

/** Narinfos that one request is about to publish. At most 1 MB as JSON. */
export interface Intentions {
  readonly narinfos: readonly IntendedNarinfo[];
  /** Further paths of the same batch: whether they are published decides about their referrers. */
  readonly alongside?: readonly StorePathHash[] | undefined;
  /** References that the pusher leaves to another cache, so it does not matter if this one lacks them. */
  readonly upstream?: readonly StorePathHash[] | undefined;
}

export interface IntendedNarinfo {
  /** `<hash>-<name>` of the path. */
  readonly path: string;
  /** The path of its NAR in the bucket. `undefined` if it names no object of this cache. */
  readonly nar: string | undefined;
  /** `<hash>-<name>` of each reference. */
  readonly references: readonly string[];
}

export type IntentAnswer =
  /** The catalog is new: deletions that the former one began may still act. */
  | { readonly status: "starting"; readonly retryMilliseconds: number }
  /** One verdict for each narinfo, in the same order. */
  | { readonly status: "answered"; readonly verdicts: readonly IntentVerdict[] };

export type IntentVerdict =
  | { readonly kind: "ok" }
  /** The path or its NAR is being deleted. Ask again. */
  | { readonly kind: "busy" }
  /** These references, as `<hash>-<name>`, were removed from the cache. */
  | { readonly kind: "collected"; readonly references: readonly string[] };

export interface Leases {
  /** Paths that a pusher was told of. */
  readonly paths?: readonly StorePathHash[] | undefined;
  /** NARs that a pusher was told of, or is about to store. */
  readonly nars?: readonly string[] | undefined;
}

export interface LeaseAnswer {
  readonly busyNars: readonly string[];
  /** The paths that were removed, or are being removed: no lease helps them. */
  readonly lostPaths: readonly StorePathHash[];
  /** If it is set, the catalog is new, and nothing may be stored: ask again after this time. */
  readonly retryMilliseconds?: number | undefined;
}

export interface BegunDeletion {
  /** Some paths that need the path. With one, nothing was begun. */
  readonly referrers: readonly string[];
  /** Tells this deletion from another one of the path. `undefined`: there was nothing to begin. */
  readonly heldUntil?: number | undefined;
}

/** Times are milliseconds since 1970. */
export interface RetentionStatus {
  readonly isCollecting: boolean;
  /** The run that goes on now. */
  readonly running: RunReport | undefined;
  /** The last run that ended. */
  readonly last: RunReport | undefined;
  /** Why nothing is removed at present, as sentences with what to do. */
  readonly obstacles: readonly string[];
}

/** What a run has found and done so far. */
export interface RunReport {
  readonly kind: "plan" | "run";
  readonly by: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly phase: string;
  /** The paths that stay, by the first rule that keeps each of them. */
  readonly kept: Readonly<Record<KeepingRule, number>>;
  /** The paths that nothing keeps, and the bytes of their NARs as stored. */
  readonly condemned: number;
  readonly condemnedBytes: number;
  /** What this run has removed. */
  readonly removedPaths: number;
  readonly removedNars: number;
  readonly removedBytes: number;
  /** With a size budget: paths older than this are not kept by their age. */
  readonly budgetCutoff: number | undefined;
}

export type KeepingRule = "pinned" | "young" | "newest" | "pushing" | "needed";

export interface PlanPage {
  readonly show: "going" | "staying";
  /** Only paths behind this hash. */
  readonly after?: StorePathHash | undefined;
  readonly limit: number;
}

export interface PlannedPath {
  readonly hash: StorePathHash;
  readonly name: string | undefined;
  readonly fileBytes: number | undefined;
  readonly pushedAt: number | undefined;
  readonly usedAt: number | undefined;
  /** When its narinfo may go at the earliest. `undefined` if it stays. */
  readonly goesAt: number | undefined;
  /** `undefined` if it goes. */
  readonly rule: KeepingRule | undefined;
}

export interface WhyAnswer {
  readonly state: "absent" | "removed" | "deleting" | "going" | "kept";
  /** From the path to the path that a rule keeps; each refers to the one before it. */
  readonly chain: readonly { readonly hash: StorePathHash; readonly name: string | undefined }[];
  readonly rule: KeepingRule | undefined;
  /** The time of the last push or use that makes the last path of the chain young. */
  readonly since: number | undefined;
  /** If it goes: when its narinfo may go at the earliest. */
  readonly goesAt: number | undefined;
}
