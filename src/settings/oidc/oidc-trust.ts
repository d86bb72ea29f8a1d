import type { Scope } from "../../api/scopes.ts";

/** One entry of OIDC_TRUST: the tokens that it describes earn its scopes. */
export interface OidcTrust {
  /** Compared with `iss` as it is written. */
  readonly issuer: string;
  /** The addresses of this cache, as origins. `aud` must hold one. */
  readonly audiences: readonly string[];
  /** For each claim the patterns of which one must match. A token must carry all of them. */
  readonly claims: ReadonlyMap<string, readonly string[]>;
  readonly scopes: readonly Scope[];
}
