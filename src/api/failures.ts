/**
 * Everything that can go wrong, in one table: the status and the sentence a
 * person reads. Nix prints the sentence to whoever is pushing, so it says what
 * to do. Detail and cause are only logged (law 9).
 *
 * Statuses are chosen for what Nix makes of them: 404 is "not in this cache",
 * 403 on a read is silently taken for the same, 5xx but 501 is retried.
 */
export const FAILURES = {
  // Reads
  "not-found": { status: 404, message: "No such object in this cache." },
  "bad-path": { status: 404, message: "Not a path of a Nix binary cache." },
  "method-not-allowed": { status: 405, message: "This path does not take that method." },
  "range-not-satisfiable": { status: 416, message: "The range lies outside the object." },
  "bucket-unavailable": {
    status: 503,
    message: "The bucket behind this cache is not available right now. Try again shortly.",
  },
  "bucket-cap-exceeded": {
    status: 503,
    message:
      "The bucket's daily cap is used up; it resets at 00:00 UTC. The operator can raise it under Caps & Alerts.",
  },
  misconfigured: {
    status: 500,
    message: "This cache is not configured correctly. Its operator finds the reason in the log.",
  },
  internal: {
    status: 500,
    message: "The gateway failed. Its operator finds the reason in the log.",
  },

  // Access
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
    message: "This token may not do that. Ask the operator for one with the scope",
  },

  // OIDC tokens. All 401, as for any wrong token: of a read, Nix takes 403 for "not here".
  "oidc-malformed": { status: 401, message: "This OIDC token cannot be read:" },
  "oidc-issuer-unknown": {
    status: 401,
    message: "This cache trusts no OIDC token of the issuer",
  },
  "oidc-algorithm": {
    status: 401,
    message:
      "This cache takes OIDC tokens that are signed by a key pair, such as with RS256 or ES256, but not with the algorithm",
  },
  "oidc-signature": {
    status: 401,
    message: "This OIDC token is not signed by any key of its issuer.",
  },
  "oidc-audience": {
    status: 401,
    message: "This OIDC token is for another audience. Ask its issuer for one with the audience",
  },
  "oidc-expired": {
    status: 401,
    message: "This OIDC token has expired. Ask its issuer for a new one; this one ended at",
  },
  "oidc-not-yet": {
    status: 401,
    message: "This OIDC token is not valid yet. Try again later; it begins at",
  },
  "oidc-claims": { status: 401, message: "This cache admits no OIDC token that has" },
  "oidc-issuer-unavailable": {
    status: 503,
    message:
      "The issuer of this OIDC token does not give out its keys right now, so the token cannot be checked. Try again shortly.",
  },

  "uploads-off": {
    status: 403,
    message: "This cache takes no uploads: its operator has set neither TOKENS nor OIDC_TRUST.",
  },

  // Uploads
  "path-not-writable": {
    status: 400,
    message: "Nothing may be stored under this name; NARs are nar/<sha256 in nix32>.nar[.ext].",
  },
  // To a Nix that must not try again (see http/nix-client.ts).
  "upload-failed": { status: 501, message: "The upload failed and may be tried again by hand:" },
  "length-required": { status: 411, message: "Content-Length is required." },
  "body-too-large": { status: 413, message: "The body is larger than this object may be" },
  "body-too-short": { status: 400, message: "The body ended before its Content-Length." },
  "body-not-text": { status: 400, message: "The body is not UTF-8 text." },
  "content-encoding-refused": {
    status: 415,
    message:
      "Content-Encoding is not accepted here. Push without the store parameter narinfo-compression, and compress NARs with compression=zstd or xz.",
  },
  "content-encoding-unknown": {
    status: 415,
    message: "This Content-Encoding is unknown; use br, gzip, xz, zstd or bzip2.",
  },
  "nar-hash-mismatch": {
    status: 400,
    message: "The bytes do not hash to the SHA-256 in the file's name; nothing was stored.",
  },
  "narinfo-malformed": { status: 400, message: "The narinfo is malformed" },
  "narinfo-wrong-path": {
    status: 400,
    message: "The narinfo's StorePath is not the path it was put under.",
  },
  "narinfo-wrong-store": {
    status: 400,
    message: "The narinfo's StorePath is not in this cache's store directory",
  },
  "narinfo-bad-url": {
    status: 400,
    message: "The narinfo's URL must be nar/<FileHash in nix32>.nar[.ext].",
  },
  "narinfo-file-missing": { status: 400, message: "The narinfo lacks FileHash or FileSize." },
  "narinfo-url-hash": {
    status: 400,
    message: "The hash in the narinfo's URL is not its FileHash.",
  },
  "narinfo-extension": {
    status: 400,
    message:
      "The narinfo's Compression does not fit the extension of its URL (no Compression line means bzip2).",
  },
  "narinfo-uncompressed": {
    status: 400,
    message: "With Compression: none, FileHash must be NarHash and FileSize must be NarSize.",
  },
  "narinfo-bad-signature": {
    status: 400,
    message: "A Sig line is not <key name>:<base64 of 64 bytes>.",
  },
  "nar-absent": { status: 400, message: "Push the NAR first: the bucket does not hold" },
  "nar-wrong-size": { status: 400, message: "FileSize is not the size of the stored NAR" },
  "signature-required": {
    status: 400,
    message:
      "No signature of a key that this cache trusts. Sign it first: nix store sign --key-file KEY --recursive PATH (or push with ?secret-key=KEY).",
  },
  "nar-may-be-named": {
    status: 409,
    message:
      "A narinfo may still name this NAR, and the gateway cannot show that none does. Delete the narinfos first; then repeat with ?force=true.",
  },
  "purge-refused": {
    status: 503,
    message:
      "It is deleted, but the edge still has it: Cloudflare refused the purge. Repeat the DELETE in a minute.",
  },
  "uploads-busy": {
    status: 503,
    message: "Too many uploads at once. Try again, or fewer at a time.",
  },
  "not-deletable": { status: 400, message: "Only narinfos and NARs can be deleted." },
  "build-not-reproducible": {
    status: 409,
    message:
      "This store path is published with other contents, so the build is not reproducible. The first one stays",
  },
  "realisation-malformed": { status: 400, message: "The realisation is malformed" },
  "cache-info-conflict": {
    status: 409,
    message: "This cache serves another store directory",
  },

  // Uploads straight to the bucket
  "upload-malformed": { status: 400, message: "The request is malformed" },
  "upload-too-small": {
    status: 400,
    message: "A NAR of this size is uploaded by one PUT; parts are for those larger than",
  },
  "handle-invalid": {
    status: 400,
    message: "The upload's handle is wrong or has expired. Start the upload again.",
  },
  "handle-of-another": {
    status: 403,
    message: "The upload's handle was given to another token. Start the upload again.",
  },
  "upload-incomplete": { status: 409, message: "The upload is not complete:" },
  "upload-gone": {
    status: 404,
    message: "There is no such upload any more. Start the upload again.",
  },
  "upload-changed": {
    status: 409,
    message: "The upload changed while it was checked; nothing was stored. Start it again.",
  },
} as const satisfies Record<string, { status: number; message: string }>;

export type FailureCode = keyof typeof FAILURES;
