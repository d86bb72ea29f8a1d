import type { SignOutcome } from "../../client/sign/sign-paths.ts";
import { countPaths } from "./sign-candidates.ts";
import { formatVerdictLine } from "./audit-report.ts";

type Status = SignOutcome["status"];

/** How many paths had each outcome. */
export type SignCounts = Readonly<Record<Status, number>>;

export const NO_OUTCOMES: SignCounts = {
  signed: 0,
  ready: 0,
  kept: 0,
  failed: 0,
  "wrong-contents": 0,
  "not-proved": 0,
};

const WORDS: Readonly<Record<Status, string>> = {
  signed: "signed",
  ready: "ready",
  kept: "kept",
  failed: "FAILED",
  "wrong-contents": "WRONG CONTENTS",
  "not-proved": "NOT PROVED",
};

/** Whether the path was to be signed and was not. */
export function isUnsigned({ status }: Pick<SignOutcome, "status">): boolean {
  return status === "failed" || status === "wrong-contents" || status === "not-proved";
}

export function formatOutcome({ status, hash, path, says }: SignOutcome): string {
  return formatVerdictLine(WORDS[status], path ?? hash, says);
}

export function formatOutcomeJson({ status, hash, path, says }: SignOutcome): string {
  return `${JSON.stringify({ path: path ?? null, hash, status, says })}\n`;
}

/** Returns the last line: how many paths were signed, and how many were not. */
export function formatSignCounts(counts: SignCounts): string {
  const parts = [
    counts.ready > 0 ? `${counts.ready} could be signed` : `${countPaths(counts.signed)} signed`,
    ...(counts.kept > 0 ? [`${counts.kept} needed no signature`] : []),
    ...(counts.failed > 0 ? [`${counts.failed} failed`] : []),
    ...(counts["wrong-contents"] > 0 ? [`${counts["wrong-contents"]} with wrong contents`] : []),
    ...(counts["not-proved"] > 0 ? [`${counts["not-proved"]} not proved`] : []),
  ];
  return `${parts.join(", ")}\n`;
}
