import type { FailureTable } from "./read-failures.ts";

/** Failures of PUT and DELETE: the request, the NAR, the narinfo, the realisation. */
export const PUSH_FAILURES = {
  "path-not-writable": {
    status: 400,
    message:
      "Nothing can be stored under this name. The name of a NAR is nar/<SHA-256 in nix32>.nar[.ext].",
  },
  // For Nix clients that must not try again (see http/nix-client.ts).
  "upload-failed": {
    status: 501,
    message: "The upload failed. You can start it again by hand:",
  },
  "length-required": { status: 411, message: "The request needs a Content-Length." },
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
    message: "This Content-Encoding is unknown. Use br, gzip, xz, zstd or bzip2.",
  },
  "uploads-busy": {
    status: 503,
    message: "Too many uploads at once. Try again, or upload fewer paths at a time.",
  },

  "nar-hash-mismatch": {
    status: 400,
    message: "The bytes do not hash to the SHA-256 in the file's name. Nothing was stored.",
  },
  "nar-absent": {
    status: 400,
    message: "Push the NAR before its narinfo: the bucket does not hold",
  },
  "nar-wrong-size": { status: 400, message: "FileSize is not the size of the stored NAR" },

  "narinfo-malformed": { status: 400, message: "The narinfo is malformed" },
  "narinfo-wrong-path": {
    status: 400,
    message: "The narinfo's StorePath does not belong to the name under which it was put.",
  },
  "narinfo-wrong-store": {
    status: 400,
    message: "The narinfo's StorePath is not in this cache's store directory",
  },
  "narinfo-bad-url": {
    status: 400,
    message: "The narinfo's URL must be nar/<FileHash in nix32>.nar[.ext].",
  },
  "narinfo-file-missing": {
    status: 400,
    message: "The narinfo has no FileHash or no FileSize. It needs both.",
  },
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
    message: "With Compression: none, FileHash must equal NarHash and FileSize must equal NarSize.",
  },
  "contents-disproved": {
    status: 400,
    message:
      "The NAR does not hold what its narinfo says. Build the path again, or send its NAR and narinfo again:",
  },
  "proof-unfinished": {
    status: 503,
    message:
      "The gateway has unpacked only a part of the NAR, to compare it with NarHash. Push again: it goes on from there.",
  },
  "narinfo-bad-signature": {
    status: 400,
    message: "A Sig line is not <key name>:<base64 of 64 bytes>.",
  },
  "signature-required": {
    status: 400,
    message:
      "There is no signature by a key that this cache trusts. Sign the path first: nix store sign --key-file KEY --recursive PATH (or push with ?secret-key=KEY).",
  },
  "build-not-reproducible": {
    status: 409,
    message:
      "This store path is already published with other contents, because its build is not reproducible. The published contents stay",
  },
  "reference-not-published": {
    status: 424,
    message: "Not published, because a path of this batch that it needs was not published:",
  },
  "collection-off": {
    status: 409,
    message:
      "Nothing is removed from this cache: its operator can set COLLECT to on. A dry run works without it.",
  },
  "reference-removed": {
    status: 409,
    message:
      "This path refers to a path that was removed from this cache. Push again with --refresh, so that Nix looks for it anew. Removed:",
  },
  "too-many-references": {
    status: 400,
    message:
      "This path has more than 4,000 references. The catalog of this cache cannot keep them, and with COLLECT=on nothing could be removed beside such a path.",
  },
  "path-being-removed": {
    status: 503,
    message: "This path or its NAR is being removed from the cache. Push it again in ten minutes.",
  },
  "push-needs-catalog": {
    status: 503,
    message:
      "The catalog of this cache does not answer, and without it nothing can be published while unneeded paths are removed (COLLECT=on). Try again in a minute.",
  },
  "catalog-starting": {
    status: 503,
    message:
      "The catalog of this cache is new, and takes no pushes for the first eleven minutes. Try again later.",
  },
  "realisation-malformed": { status: 400, message: "The realisation is malformed" },
  "cache-info-conflict": {
    status: 409,
    message: "This cache serves another store directory",
  },

  "not-deletable": { status: 400, message: "Only narinfos and NARs can be deleted." },
  "path-needed": {
    status: 409,
    message:
      "Other paths of this cache need this path, and clients could not pull them without it: nargate delete --with-referrers shows and deletes them all. They are",
  },
  "path-pinned": {
    status: 409,
    message: "A pin keeps this path. Remove the pin first (nargate unpin). The pins are",
  },
  "pins-unknown": {
    status: 409,
    message:
      "The gateway cannot read all pins, so it cannot tell whether one keeps this path. /healthz says why. To delete it all the same, repeat the request with ?force=true.",
  },
  "nar-may-be-named": {
    status: 409,
    message:
      "A narinfo may still name this NAR, and the gateway cannot prove that none does. Delete those narinfos first, then repeat the request with ?force=true.",
  },
  "purge-refused": {
    status: 503,
    message:
      "The object is deleted from the bucket, but the edge still has it: Cloudflare refused the purge. Repeat the DELETE in a minute.",
  },
  "edge-not-purged": {
    status: 503,
    message: "The edge still has the object: Cloudflare refused the purge. Try again in a minute.",
  },
} as const satisfies FailureTable;
