import type { Scope } from "../../api/scopes.ts";
import { err, ok, type Result } from "../../result.ts";

/** One entry of OIDC_TRUST. A token that fits the entry gets its scopes. */
export interface OidcTrust {
  /** Must equal the claim `iss`, letter by letter. */
  readonly issuer: string;
  /** The addresses of this cache, as origins. The claim `aud` must hold one of them. */
  readonly audiences: readonly string[];
  /** The patterns of each claim. A token must have every claim, and one pattern of each must match. */
  readonly claims: ReadonlyMap<string, readonly string[]>;
  readonly scopes: readonly Scope[];
}

const MAX_PATTERN_LENGTH = 256;

/** Parses what a claim must be: text in which `*` stands for any run of characters but "/". */
export function parseClaimPattern(pattern: unknown): Result<string> {
  if (typeof pattern !== "string") return err("is not text: put it in quotes");
  if (pattern === "") return err("is empty");
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return err(`is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  // Elsewhere it crosses slashes, and whoever writes it here means that.
  if (pattern.includes("**")) return err("has **, but * never crosses a slash");
  return ok(pattern);
}

/**
 * Whether `pattern` describes the whole of `text`. Compared segment by segment,
 * so that no `*` can cross a "/", and without a regular expression, so that no
 * character but `*` means anything and no text takes long.
 */
export function matchesClaimPattern(pattern: string, text: string): boolean {
  const wanted = pattern.split("/");
  const given = text.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) => matchesSegment(segment, given[index] ?? ""))
  );
}

/** The leftmost place for each part is the best: it leaves the most for the parts to come. */
function matchesSegment(pattern: string, text: string): boolean {
  const [first = "", ...middle] = pattern.split("*");
  const last = middle.pop();
  if (last === undefined) return text === first;
  const end = text.length - last.length;
  if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
  let from = first.length;
  for (const part of middle) {
    const at = text.indexOf(part, from);
    if (at < 0) return false;
    from = at + part.length;
  }
  return from <= end;
}
