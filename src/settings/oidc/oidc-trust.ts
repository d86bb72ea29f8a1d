import type { Scope } from "../../api/scopes.ts";

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
