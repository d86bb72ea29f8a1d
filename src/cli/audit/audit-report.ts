import type { AuditSummary } from "../../client/audit/audit-bucket.ts";
import {
  PATH_PROBLEMS,
  type PathFinding,
  type PathProblem,
} from "../../client/audit/judge-narinfo.ts";
import { toOneLine } from "../../client/plain-text.ts";

/** Capitals mark the problems that a signature does not mend. */
const WORDS: Readonly<Record<PathProblem, string>> = {
  unsigned: "unsigned",
  "unknown-key": "unknown key",
  "false-signature": "FALSE SIGNATURE",
  "false-address": "FALSE ADDRESS",
  "nar-gone": "NAR GONE",
  "nar-wrong-size": "NAR WRONG SIZE",
  "nar-elsewhere": "NAR ELSEWHERE",
  unreadable: "UNREADABLE",
  "wrong-contents": "WRONG CONTENTS",
  "wrong-file-hash": "WRONG FILE HASH",
  "not-proved": "NOT PROVED",
};

const MEANINGS: Readonly<Record<PathProblem | "ok", string>> = {
  ok: "sound: signed by a trusted key, or proved by their content address",
  unsigned: "not signed (nargate sign --unsigned signs them)",
  "unknown-key": "signed by no trusted key (nargate sign --unsigned signs them)",
  "false-signature": "with a signature that the trusted key of its name did not make",
  "false-address": "with a content address that does not give their name",
  "nar-gone": "without their NAR: push --repair sends it, fsck --repair unpublishes",
  "nar-wrong-size": "with a NAR of a wrong size: nargate push --repair sends it again",
  "nar-elsewhere": "with a NAR outside nar/ or on another server, not looked for",
  unreadable: "with a narinfo that not every client can read",
  "wrong-contents": "with a NAR of other contents: fsck --deep --repair unpublishes them",
  "wrong-file-hash": "sound, but the file of the NAR has another hash than it should",
  "not-proved": "with a NAR that could not be unpacked here",
};

const WORD_WIDTH = 16;
const COLUMNS = 80;

/** Returns the line of a path: the verdict, the path without its directory, and details. */
export function formatFinding({ verdict, hash, path, says }: PathFinding): string {
  return formatVerdictLine(WORDS[verdict], path ?? hash, says);
}

/** Returns a line of at most 80 columns, or two lines if the details do not fit into the first. */
export function formatVerdictLine(word: string, path: string, says: string): string {
  const line = `${word.padEnd(WORD_WIDTH)}${path.slice(path.lastIndexOf("/") + 1)}`;
  const details = toOneLine(says);
  if (details === "") return `${line}\n`;
  return line.length + 2 + details.length <= COLUMNS
    ? `${line}  ${details}\n`
    : `${line}\n${" ".repeat(WORD_WIDTH)}${details}\n`;
}

/** Returns the lines with the number of paths of each verdict, the sound ones first. */
export function formatSummary({ checked, counts }: AuditSummary): string {
  const paths = checked === 1 ? "1 path" : `${checked} paths`;
  const lines = (["ok", ...PATH_PROBLEMS.toReversed()] as const)
    .filter((verdict) => counts[verdict] > 0 || verdict === "ok")
    .map((verdict) => `${String(counts[verdict]).padStart(9)} ${MEANINGS[verdict]}`);
  return `${[`${paths} in the bucket:`, ...lines].join("\n")}\n`;
}

/** Returns one line of JSON. */
export function formatFindingJson({ verdict, hash, path, says, keyNames }: PathFinding): string {
  return `${JSON.stringify({ path: path ?? null, hash, verdict, says, keyNames })}\n`;
}

export function formatSummaryJson({ checked, counts, beside }: AuditSummary): string {
  return `${JSON.stringify({ summary: { checked, counts, ...(beside === undefined ? {} : { beside }) } })}\n`;
}

/** Returns how many problems clients can run into. What only takes room is none. */
export function countProblems({ checked, counts, beside }: AuditSummary): number {
  return checked - counts.ok + (beside?.["reference-missing"].count ?? 0);
}
