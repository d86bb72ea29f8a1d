import {
  array,
  type InferOutput,
  literal,
  minValue,
  number,
  object,
  optional,
  picklist,
  pipe,
  readonly,
  safeParse,
  string,
  union,
} from "valibot";
import { parseStorePathHash, type StorePathHash } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import { type AbsentReference, parseAbsent } from "./absent-references.ts";
import { PATH_PROBLEMS, type PathFinding } from "./judge-narinfo.ts";

/** A line of the file of an audit. */
export type AuditLogLine =
  | { readonly kind: "header"; readonly identity: string }
  | { readonly kind: "absent"; readonly absent: readonly AbsentReference[] }
  | {
      readonly kind: "position";
      readonly at: string;
      readonly ok: number;
      readonly finding: PathFinding | undefined;
      readonly seen: readonly SeenPath[];
    }
  | { readonly kind: "end"; readonly at: undefined; readonly ok: number };

/** A path that was looked at, and the NAR that its narinfo names. */
export interface SeenPath {
  readonly hash: StorePathHash;
  /** Undefined if the narinfo names none, or one outside `nar/`. */
  readonly narPath: string | undefined;
}

/** Returns the hash with the path of the NAR behind it. */
export function formatSeen({ hash, narPath = "" }: SeenPath): string {
  return hash + narPath;
}

const texts = pipe(array(string()), readonly());
const okPaths = pipe(number(), minValue(0));
const finding = object({
  hash: string(),
  path: optional(string()),
  verdict: picklist(PATH_PROBLEMS),
  says: string(),
  keyNames: texts,
});
const line = union([
  object({ nargateAudit: literal(1), identity: string() }),
  object({ absent: texts }),
  object({ at: string(), ok: okPaths, finding: optional(finding), seen: optional(texts, []) }),
  object({ end: literal(true), ok: okPaths }),
]);

/** Parses one line. The error is a predicate: "is not JSON". */
export function parseLogLine(text: string): Result<AuditLogLine> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("is not JSON");
  }
  const parsed = safeParse(line, value);
  return parsed.success ? toLine(parsed.output) : err("is not a line of an audit");
}

function toLine(value: InferOutput<typeof line>): Result<AuditLogLine> {
  if ("identity" in value) return ok({ kind: "header", identity: value.identity });
  if ("end" in value) return ok({ kind: "end", at: undefined, ok: value.ok });
  if ("absent" in value) {
    const absent = allOf(value.absent.map(parseAbsent));
    return absent.ok ? ok({ kind: "absent", absent: absent.value }) : absent;
  }
  const seen = allOf(value.seen.map(parseSeen));
  if (!seen.ok) return seen;
  const position = { kind: "position", at: value.at, ok: value.ok, seen: seen.value } as const;
  if (value.finding === undefined) return ok({ ...position, finding: undefined });
  const hash = parseStorePathHash(value.finding.hash);
  if (!hash.ok) return err("is not about a store path");
  const found = { ...value.finding, hash: hash.value, path: value.finding.path };
  return ok({ ...position, finding: found });
}

function parseSeen(text: string): Result<SeenPath> {
  const hash = parseStorePathHash(text.slice(0, 32));
  if (!hash.ok) return err("is not about a store path");
  return ok({ hash: hash.value, narPath: text.slice(32) || undefined });
}

/** Returns all values, or the first error. */
function allOf<T>(results: readonly Result<T>[]): Result<readonly T[]> {
  const values: T[] = [];
  for (const result of results) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return ok(values);
}
