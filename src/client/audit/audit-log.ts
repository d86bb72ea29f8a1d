import { createHash } from "node:crypto";
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from "node:fs";
import { bucketIdentity, type BucketLocation } from "../../settings/bucket-settings.ts";
import { formatPublicKey } from "../../nix/signature.ts";
import { UsageError } from "../client-error.ts";
import { type AbsentReference, formatAbsent } from "./absent-references.ts";
import { formatSeen, parseLogLine, type SeenPath } from "./audit-log-lines.ts";
import type { AuditRules, PathFinding } from "./judge-narinfo.ts";

/** The part of an audit that earlier runs have done. */
export interface EarlierAudit {
  /** The last object that was looked at. Undefined if the audit begins. */
  readonly position: string | undefined;
  readonly okPaths: number;
  readonly isComplete: boolean;
}

/** Receives what earlier runs have found, in the order of the paths. */
export interface EarlierFindings {
  onFinding(finding: PathFinding): void;
  onSeen(path: SeenPath): void;
  onAbsent(absent: AbsentReference): void;
}

/** Records an audit as it goes, so that it can go on after it was ended. */
export interface AuditLog {
  /** Reads what earlier runs have found. Must be called once, before `record`. */
  readEarlier(findings: EarlierFindings): Promise<EarlierAudit>;
  /**
   * Records that all objects up to `path` were looked at, and the finding of this one. `seen`
   * is for audits that look for NARs without a path.
   */
  record(path: string, finding: PathFinding | undefined, seen?: SeenPath): void;
  /** Records references of the next path that is recorded. */
  recordAbsent(absent: readonly AbsentReference[]): void;
  /** Records that there is no further object. */
  complete(): void;
  /** Writes down the position. Call it also after a failure. */
  close(): void;
}

/** Returns a log for an audit without a file: it always begins anew. */
export function createNoLog(): AuditLog {
  return {
    readEarlier: async () => ({ position: undefined, okPaths: 0, isComplete: false }),
    record: () => {},
    recordAbsent: () => {},
    complete: () => {},
    close: () => {},
  };
}

/** How much an audit looks at; see `AuditPlan`. */
export type AuditLevel = "quick" | "whole" | "deep";

/** Returns a text that differs for audits whose findings cannot be mixed. */
export function auditIdentity(
  location: BucketLocation,
  { storeDir, keys }: AuditRules,
  level: AuditLevel,
): string {
  const facts = [bucketIdentity(location), storeDir, keys.map(formatPublicKey).toSorted(), level];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** Sound paths without a line of their own, after which the position is written down. */
const PATHS_A_LINE = 1000;

/** The names of NARs in a line: 1,000 usual ones. Names of other tools may be longer. */
const SEEN_CHARACTERS_A_LINE = 100_000;

/** A line has at most this many references, because a narinfo may have tens of thousands. */
const ABSENT_A_LINE = 1000;

/**
 * Opens the log in a file, which holds JSON lines and is only ever appended to: each line
 * is complete in itself, and a last line that was cut off is dropped. A line has the
 * position, and the number of sound paths since the line before. `pathsALine` says how many
 * of them share a line, and so how many are looked at again after a kill.
 *
 * Throws `UsageError` if the file cannot be opened, or is about another audit.
 */
export function openAuditLog(file: string, identity: string, pathsALine = PATHS_A_LINE): AuditLog {
  let descriptor: number;
  try {
    descriptor = openSync(file, "a+", 0o600);
  } catch (error) {
    throw new UsageError(`cannot open --state ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  let okPaths = 0;
  let position: string | undefined;
  let seenPaths: string[] = [];
  let seenCharacters = 0;
  const append = (value: object) => void writeSync(descriptor, `${JSON.stringify(value)}\n`);

  function writePosition(finding?: PathFinding): void {
    if (okPaths > 0 || finding !== undefined) {
      const seen = seenPaths.length === 0 ? {} : { seen: seenPaths };
      append({ at: position, ok: okPaths, finding, ...seen });
    }
    okPaths = 0;
    seenPaths = [];
    seenCharacters = 0;
  }

  return {
    async readEarlier({ onFinding, onSeen, onAbsent }) {
      const earlier = { position: undefined as string | undefined, okPaths: 0, isComplete: false };
      let lines = 0;
      const end = await readLines(file, (text) => {
        lines++;
        const line = parseLogLine(text);
        if (!line.ok) throw damaged(file, `line ${lines} ${line.error}`);
        const value = line.value;
        if ((lines === 1) !== (value.kind === "header")) throw damaged(file, "it is mixed up");
        if (value.kind === "header") {
          if (value.identity !== identity) throw foreign(file);
          return;
        }
        if (value.kind === "absent" && !earlier.isComplete) return value.absent.forEach(onAbsent);
        if (value.kind === "absent" || earlier.isComplete || !isLater(value.at, earlier.position)) {
          throw damaged(file, `line ${lines} is not behind the lines before it`);
        }
        earlier.okPaths += value.ok;
        earlier.position = value.at ?? earlier.position;
        if (value.kind === "end") {
          earlier.isComplete = true;
          return;
        }
        value.seen.forEach(onSeen);
        if (value.finding !== undefined) onFinding(value.finding);
      });
      ftruncateSync(descriptor, end);
      if (lines === 0) append({ nargateAudit: 1, identity });
      position = earlier.position;
      return earlier;
    },
    record(path, finding, seen) {
      position = path;
      if (seen !== undefined) {
        const text = formatSeen(seen);
        seenPaths.push(text);
        seenCharacters += text.length;
      }
      if (finding !== undefined) return writePosition(finding);
      okPaths++;
      if (okPaths >= pathsALine || seenCharacters >= SEEN_CHARACTERS_A_LINE) writePosition();
    },
    recordAbsent(absent) {
      for (let start = 0; start < absent.length; start += ABSENT_A_LINE) {
        append({ absent: absent.slice(start, start + ABSENT_A_LINE).map(formatAbsent) });
      }
    },
    complete() {
      writePosition();
      append({ end: true, ok: 0 });
    },
    close() {
      writePosition();
      closeSync(descriptor);
    },
  };
}

function isLater(at: string | undefined, position: string | undefined): boolean {
  return at === undefined || position === undefined || at > position;
}

function damaged(file: string, why: string): UsageError {
  return new UsageError(`--state ${file} is damaged: ${why}. Delete it to begin anew`);
}

function foreign(file: string): UsageError {
  return new UsageError(
    `--state ${file} belongs to an audit of another bucket, prefix, store, list of keys or level. Name another file, or delete this one`,
  );
}

/** No line is longer: a finding has a path, some key names and one sentence. */
const MAX_LINE_BYTES = 1024 * 1024;

/** Passes each whole line to `onLine`, and returns the offset behind the last one. */
async function readLines(file: string, onLine: (line: string) => void): Promise<number> {
  let end = 0;
  let rest = Buffer.alloc(0);
  for await (const chunk of createReadStream(file)) {
    rest = Buffer.concat([rest, chunk as Buffer]);
    let start = 0;
    for (;;) {
      const newline = rest.indexOf(0x0a, start);
      if (newline === -1) break;
      onLine(rest.toString("utf8", start, newline));
      start = newline + 1;
    }
    end += start;
    rest = rest.subarray(start);
    if (rest.byteLength > MAX_LINE_BYTES) throw damaged(file, "it has a line without an end");
  }
  return end;
}
