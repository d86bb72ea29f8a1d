/** The version of the gateway and of the `nargate` command, which are released together. package.json has the same. */
export const VERSION = "0.1.0";

/**
 * The paths of the API, relative to the cache's URL. Requests and answers have
 * the shapes of `direct-uploads.ts`, `batches.ts`, `pins.ts` and `answers.ts`.
 */
export const ENDPOINTS = {
  cache: "api/v1/cache",
  token: "api/v1/token",
  purge: "api/v1/purge",
  missing: "api/v1/missing",
  publish: "api/v1/publish",
  pins: "api/v1/pins",
  pinRemoval: "api/v1/pins/remove",
  paths: "api/v1/paths",
  search: "api/v1/search",
  stats: "api/v1/stats",
  collect: "api/v1/gc",
  collectionState: "api/v1/gc/state",
  plannedPaths: "api/v1/gc/paths",
  why: "api/v1/why",
  uploads: "api/v1/uploads",
  uploadProof: "api/v1/uploads/proof",
  signedUpload: "api/v1/uploads/signed",
  uploadUrls: "api/v1/uploads/urls",
  uploadParts: "api/v1/uploads/parts",
  uploadAbort: "api/v1/uploads/abort",
  uploadComplete: "api/v1/uploads/complete",
} as const;
