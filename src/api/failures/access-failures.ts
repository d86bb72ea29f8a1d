import type { FailureTable } from "./read-failures.ts";

/**
 * Failures of tokens. All OIDC refusals are 401, like that of any wrong token:
 * Nix takes a 403 on a read for "not in this cache".
 */
export const ACCESS_FAILURES = {
  "credential-missing": {
    status: 401,
    message:
      "A token is required: put 'machine <this host> login nargate password <token>' into your netrc file, or send 'Authorization: Bearer <token>'.",
  },
  "credential-wrong": {
    status: 401,
    message: "This token is unknown or has expired. Ask the operator of the cache for a new one.",
  },
  "scope-missing": {
    status: 403,
    message:
      "This token does not allow this. Ask the operator of the cache for a token with the scope",
  },
  "uploads-off": {
    status: 403,
    message: "This cache accepts no uploads: its operator has set neither TOKENS nor OIDC_TRUST.",
  },

  "oidc-malformed": { status: 401, message: "This OIDC token cannot be read:" },
  "oidc-issuer-unknown": {
    status: 401,
    message: "This cache trusts no OIDC token of the issuer",
  },
  "oidc-algorithm": {
    status: 401,
    message:
      "This cache accepts OIDC tokens that are signed with a key pair (such as RS256 or ES256), but not with the algorithm",
  },
  "oidc-signature": {
    status: 401,
    message: "No key of the issuer has signed this OIDC token.",
  },
  "oidc-audience": {
    status: 401,
    message:
      "This OIDC token is for another audience. Ask the issuer for a token with the audience",
  },
  "oidc-expired": {
    status: 401,
    message: "This OIDC token has expired. Ask the issuer for a new one. This token ended at",
  },
  "oidc-not-yet": {
    status: 401,
    message: "This OIDC token is not valid yet. Try again later. It becomes valid at",
  },
  "oidc-claims": { status: 401, message: "This cache does not accept an OIDC token that has" },
  "oidc-issuer-unavailable": {
    status: 503,
    message:
      "The token cannot be checked, because the issuer of this OIDC token does not publish its keys right now. Try again shortly.",
  },
} as const satisfies FailureTable;
