import { lacksOnlySignature, type PathFinding } from "../../client/audit/judge-narinfo.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { StorePathHash } from "../../nix/store-path.ts";

/** The paths that a run of `nargate sign` would sign, and what a person must know about them. */
export interface SignCandidates {
  readonly hashes: readonly StorePathHash[];
  /** A few paths, for people. */
  readonly samples: readonly string[];
  /** How many paths have no signature at all. */
  readonly unsigned: number;
  /** How many paths have signatures by unknown keys alone, by the name of the key. */
  readonly foreign: ReadonlyMap<string, number>;
}

export interface CandidateCollector {
  /** Returns whether the path is a candidate. */
  add(finding: PathFinding): boolean;
  result(): SignCandidates;
}

const MAX_SAMPLES = 5;
/** Signatures in a bucket may be made up. Names beyond this number are not counted. */
const MAX_KEY_NAMES = 1000;
const MAX_SHOWN_NAMES = 5;

/** Collects the findings of an audit whose only problem is the signature. */
export function createCandidateCollector(): CandidateCollector {
  const hashes: StorePathHash[] = [];
  const samples: string[] = [];
  const foreign = new Map<string, number>();
  let unsigned = 0;
  return {
    add(finding) {
      if (!lacksOnlySignature(finding)) return false;
      hashes.push(finding.hash);
      if (samples.length < MAX_SAMPLES) samples.push(finding.path ?? finding.hash);
      if (finding.verdict === "unsigned") unsigned++;
      for (const name of finding.keyNames) {
        if (foreign.has(name) || foreign.size < MAX_KEY_NAMES) {
          foreign.set(name, (foreign.get(name) ?? 0) + 1);
        }
      }
      return true;
    },
    result: () => ({ hashes, samples, unsigned, foreign }),
  };
}

/** Returns the lines that a person reads before the question whether to sign. */
export function formatCandidates(
  { hashes, samples, unsigned, foreign }: SignCandidates,
  { keyName, isProving }: { readonly keyName: string; readonly isProving: boolean },
): string {
  const lines = [
    `${countPaths(hashes.length)} to sign with the key ${keyName}:`,
    ...(unsigned > 0 ? [`${String(unsigned).padStart(9)} without any signature`] : []),
    ...(unsigned < hashes.length && foreign.size > 0
      ? [
          `${String(hashes.length - unsigned).padStart(9)} signed by none of the trusted keys, but by ${formatNames(foreign)}`,
        ]
      : []),
    `${hashes.length > samples.length ? "Among them" : "These are"}:`,
    ...samples.map((path) => `  ${path}`),
    isProving ? PROVED : VOUCHED,
  ];
  return `${lines.map(toOneLine).join("\n")}\n`;
}

const VOUCHED =
  "A signature vouches for whatever lies in the bucket: clients that trust the key will accept these paths, whoever put them there. --prove looks whether each NAR is what its narinfo says.";
const PROVED =
  "--prove signs only paths whose NAR is what the narinfo says. It does not show who built them: clients that trust the key will accept them, whoever put them there.";

export function countPaths(count: number): string {
  return `${count} ${count === 1 ? "path" : "paths"}`;
}

function formatNames(foreign: ReadonlyMap<string, number>): string {
  const names = [...foreign].toSorted(([, a], [, b]) => b - a);
  const shown = names.slice(0, MAX_SHOWN_NAMES).map(([name, count]) => `${name} (${count})`);
  const rest = names.length - shown.length;
  return `${shown.join(", ")}${rest > 0 ? ` and ${rest} other keys` : ""}`;
}
