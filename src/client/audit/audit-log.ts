import { createHash } from "node:crypto";
import { closeSync, createReadStream, ftruncateSync, openSync, writeSync } from "node:fs";
import { bucketIdentity, type BucketLocation } from "../../settings/bucket-settings.ts";
import { formatPublicKey } from "../../nix/signature.ts";
import { UsageError } from "../client-error.ts";
import { parseLogLine } from "./audit-log-lines.ts";
import type { AuditRules, PathFinding } from "./judge-narinfo.ts";

/** The part of an audit that earlier runs have done. */
export interface EarlierAudit {
  /** The last object that was looked at. Undefined if the audit begins. */
  readonly position: string | undefined;
  readonly okPaths: number;
  readonly isComplete: boolean;
}

/** Records an audit as it goes, so that it can go on after it was ended. */
export interface AuditLog {
  /** Reads the findings of earlier runs. Must be called once, before `record`. */
  readEarlier(onFinding: (finding: PathFinding) => void): Promise<EarlierAudit>;
  /** Records that all objects up to `path` were looked at, and the finding of this one. */
  record(path: string, finding: PathFinding | undefined): void;
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
    complete: () => {},
    close: () => {},
  };
}

/** Returns a text that differs for audits whose findings cannot be mixed. */
export function auditIdentity(location: BucketLocation, { storeDir, keys }: AuditRules): string {
  const facts = [bucketIdentity(location), storeDir, keys.map(formatPublicKey).toSorted()];
  return createHash("sha256").update(JSON.stringify(facts)).digest("hex");
}

/** Sound paths without a line of their own, after which the position is written down. */
const PATHS_A_LINE = 1000;

/**
 * Opens the log in a file, which holds JSON lines and is only ever appended to: each line
 * is complete in itself, and a last line that was cut off is dropped. A line has the
 * position, and the number of sound paths since the line before.
 *
 * Throws `UsageError` if the file cannot be opened, or is about another audit.
 */
export function openAuditLog(file: string, identity: string): AuditLog {
  let descriptor: number;
  try {
    descriptor = openSync(file, "a+", 0o600);
  } catch (error) {
    throw new UsageError(`cannot open --state ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  let okPaths = 0;
  let position: string | undefined;
  const append = (value: object) => void writeSync(descriptor, `${JSON.stringify(value)}\n`);

  function writePosition(): void {
    if (okPaths > 0 && position !== undefined) append({ at: position, ok: okPaths });
    okPaths = 0;
  }

  return {
    async readEarlier(onFinding) {
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
        if (earlier.isComplete || !isLater(value.at, earlier.position)) {
          throw damaged(file, `line ${lines} is not behind the lines before it`);
        }
        earlier.okPaths += value.ok;
        earlier.position = value.at ?? earlier.position;
        if (value.kind === "finding") onFinding(value.finding);
        if (value.kind === "end") earlier.isComplete = true;
      });
      ftruncateSync(descriptor, end);
      if (lines === 0) append({ nargateAudit: 1, identity });
      position = earlier.position;
      return earlier;
    },
    record(path, finding) {
      position = path;
      if (finding === undefined) {
        okPaths++;
        if (okPaths >= PATHS_A_LINE) writePosition();
        return;
      }
      append({ at: path, ok: okPaths, finding });
      okPaths = 0;
    },
    complete() {
      append({ end: true, ok: okPaths });
      okPaths = 0;
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
    `--state ${file} belongs to an audit of another bucket, prefix, store or list of keys. Name another file, or delete this one`,
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
