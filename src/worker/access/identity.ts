import type { Scope } from "../../api/scopes.ts";
import type { CacheError } from "../cache-error.ts";

/** Who sent a request, as far as a valid token tells, and what that token allows. */
export interface Identity {
  /** Appears in logs. */
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Why this identity may not push, where more can be said than that the scope is missing. */
  readonly pushRefusal?: CacheError;
}
