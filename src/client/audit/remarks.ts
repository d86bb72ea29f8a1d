/** What an audit finds beside the paths. */
export const REMARK_KINDS = [
  /** No narinfo of the bucket has the path that others refer to, and no upstream has it. */
  "reference-missing",
  /** The same, and no upstream was asked: another cache may have it. */
  "reference-elsewhere",
  /** An upstream has the path. */
  "reference-upstream",
  /** No narinfo names the NAR. */
  "nar-loose",
  /** The same, and the NAR is so new that a push may be about to name it. */
  "nar-new",
  /** An upload that was completed and never proved. */
  "upload-left",
  /** Parts of an upload that was never completed. */
  "upload-unfinished",
] as const;
export type RemarkKind = (typeof REMARK_KINDS)[number];

/** One finding beside the paths. */
export interface Remark {
  readonly kind: RemarkKind;
  /** The store path of a reference, otherwise the path of an object. From outside: any text. */
  readonly name: string;
  /** The store path that refers to it, or its hash. Only for references. */
  readonly referrer?: string;
  readonly sizeBytes?: number;
  /** Seconds since 1970. */
  readonly sinceSeconds?: number | undefined;
}

/** How many remarks of each kind there are, and how many bytes they take. */
export type RemarkCounts = Readonly<Record<RemarkKind, RemarkCount>>;

export interface RemarkCount {
  readonly count: number;
  readonly bytes: number;
}

/** Adds up remarks. */
export function createRemarkCounter(): { add(remark: Remark): void; counts(): RemarkCounts } {
  const counts = Object.fromEntries(
    REMARK_KINDS.map((kind) => [kind, { count: 0, bytes: 0 }]),
  ) as Record<RemarkKind, { count: number; bytes: number }>;
  return {
    add({ kind, sizeBytes = 0 }) {
      counts[kind].count++;
      counts[kind].bytes += sizeBytes;
    },
    counts: () => counts,
  };
}

/** Kinds that have a line of their own. The others are only counted. */
export function isListed(kind: RemarkKind): boolean {
  return kind !== "reference-upstream" && kind !== "nar-new";
}
