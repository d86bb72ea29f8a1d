import type { Scope } from "../../api/tokens.ts";
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

/**
 * Parses the pattern of a claim: a text of 1 to 256 characters, in which `*`
 * stands for any run of characters except "/". The error is a predicate without
 * a subject, such as "is empty".
 */
export function parseClaimPattern(pattern: unknown): Result<string> {
  if (typeof pattern !== "string") return err("is not text: put it in quotes");
  if (pattern === "") return err("is empty");
  if (pattern.length > MAX_PATTERN_LENGTH) {
    return err(`is longer than ${MAX_PATTERN_LENGTH} characters`);
  }
  // In other pattern languages "**" crosses slashes. An operator who writes it
  // expects that here, too.
  if (pattern.includes("**"))
    return err("contains **: use a single *, which never crosses a slash");
  return ok(pattern);
}

/**
 * Whether `pattern` matches the whole of `text`.
 *
 * Compares segment by segment, so that no `*` can cross a "/". Uses no regular
 * expression: no character but `*` has a meaning, and no text can make the
 * comparison slow.
 */
export function matchesClaimPattern(pattern: string, text: string): boolean {
  const wanted = pattern.split("/");
  const given = text.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((segment, index) => matchesSegment(segment, given[index] ?? ""))
  );
}

/**
 * Whether one segment matches. Searches each part between two stars at its
 * leftmost place, which leaves the most text for the parts after it. So this
 * never has to go back and try another place.
 */
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
