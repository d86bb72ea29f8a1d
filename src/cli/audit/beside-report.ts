import {
  isListed,
  REMARK_KINDS,
  type Remark,
  type RemarkCount,
  type RemarkCounts,
  type RemarkKind,
} from "../../client/audit/remarks.ts";
import { toJsonLine, toOneLine } from "../../client/plain-text.ts";
import { formatBytes } from "../../client/progress/format-amounts.ts";
import { formatVerdictLine } from "./audit-report.ts";

/** The words for one leftover, and for several. */
const MEANINGS: Readonly<Record<RemarkKind, readonly [one: string, several: string]>> = {
  "reference-missing": [
    "reference that no cache has: push it",
    "references that no cache has: push them",
  ],
  "reference-elsewhere": [
    "reference to another cache (--upstream URL asks it)",
    "references to other caches (--upstream URL asks one)",
  ],
  "reference-upstream": ["reference that an upstream has", "references that an upstream has"],
  "nar-loose": [
    "NAR that no path names, and that only takes room",
    "NARs that no path names, and that only take room",
  ],
  "nar-new": [
    "NAR of the last day that no path names yet",
    "NARs of the last day that no path names yet",
  ],
  "upload-left": [
    "upload, older than a week, that was never proved",
    "uploads, older than a week, that were never proved",
  ],
  "upload-unfinished": [
    "upload that was never completed: set the lifecycle rules",
    "uploads that were never completed: set the lifecycle rules",
  ],
};

/** Names of one kind that the summary shows. There may be a million. */
const MAX_SAMPLES = 10;

export interface BesideReport {
  add(remark: Remark): void;
  /**
   * Returns the lines behind the summary of the paths. Empty if there is nothing. `unreadable`
   * is the number of narinfos that could not be read: they may name NARs too.
   */
  format(counts: RemarkCounts, unreadable: number): string;
}

/** Collects a few names of each kind for the summary. */
export function createBesideReport(): BesideReport {
  const samples = new Map<RemarkKind, string[]>();
  return {
    add(remark) {
      const { kind } = remark;
      // Each missing reference has had a line of its own.
      if (!isListed(kind) || kind === "reference-missing") return;
      const lines = samples.get(kind) ?? [];
      samples.set(kind, lines);
      if (lines.length < MAX_SAMPLES) lines.push(formatSample(remark));
    },
    format(counts, unreadable) {
      const lines = REMARK_KINDS.filter((kind) => counts[kind].count > 0).flatMap((kind) => {
        const shown = samples.get(kind) ?? [];
        const more = isListed(kind) && shown.length > 0 ? counts[kind].count - shown.length : 0;
        return [
          formatCount(kind, counts[kind]),
          ...shown,
          ...(kind === "nar-loose" && unreadable > 0
            ? [`    (a narinfo that cannot be read may name some: there are ${unreadable})`]
            : []),
          ...(more > 0 ? [`    … and ${more} more, which --json lists`] : []),
        ];
      });
      return lines.length === 0 ? "" : `${["Beside the paths:", ...lines].join("\n")}\n`;
    },
  };
}

function formatCount(kind: RemarkKind, { count, bytes }: RemarkCount): string {
  const [one, several] = MEANINGS[kind];
  const size = bytes === 0 ? "" : ` (${formatBytes(bytes)})`;
  return `${String(count).padStart(9)} ${count === 1 ? one : several}${size}`;
}

function formatSample({ name, referrer, sizeBytes }: Remark): string {
  const short = toOneLine(referrer === undefined ? name : name.slice(name.lastIndexOf("/") + 1));
  return sizeBytes === undefined ? `    ${short}` : `    ${short}  ${formatBytes(sizeBytes)}`;
}

/** Returns the line of a reference that no cache has. */
export function formatMissingReference({ name, referrer = "" }: Remark): string {
  return formatVerdictLine("NO REFERENCE", name, `named by ${referrer}`);
}

/** Returns one line of JSON. */
export function formatRemarkJson({
  kind,
  name,
  referrer,
  sizeBytes,
  sinceSeconds,
}: Remark): string {
  const since = sinceSeconds === undefined ? {} : { since: formatTime(sinceSeconds) };
  const size = sizeBytes === undefined ? {} : { size: sizeBytes };
  const by = referrer === undefined ? {} : { referrer };
  return `${toJsonLine({ verdict: kind, name, ...by, ...size, ...since })}\n`;
}

function formatTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
