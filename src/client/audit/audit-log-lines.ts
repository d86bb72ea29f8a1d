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
import { parseStorePathHash } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import { PATH_PROBLEMS, type PathFinding } from "./judge-narinfo.ts";

/** A line of the file of an audit. */
export type AuditLogLine =
  | { readonly kind: "header"; readonly identity: string }
  | { readonly kind: "position"; readonly at: string; readonly ok: number }
  | {
      readonly kind: "finding";
      readonly at: string;
      readonly ok: number;
      readonly finding: PathFinding;
    }
  | { readonly kind: "end"; readonly at: undefined; readonly ok: number };

const okPaths = pipe(number(), minValue(0));
const finding = object({
  hash: string(),
  path: optional(string()),
  verdict: picklist(PATH_PROBLEMS),
  says: string(),
  keyNames: pipe(array(string()), readonly()),
});
const line = union([
  object({ nargateAudit: literal(1), identity: string() }),
  object({ at: string(), ok: okPaths, finding: optional(finding) }),
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
  if (value.finding === undefined) return ok({ kind: "position", at: value.at, ok: value.ok });
  const hash = parseStorePathHash(value.finding.hash);
  if (!hash.ok) return err("is not about a store path");
  const found = { ...value.finding, hash: hash.value, path: value.finding.path };
  return ok({ kind: "finding", at: value.at, ok: value.ok, finding: found });
}
