import type { FailureTable } from "./read-failures.ts";

/** Failures of `/api/v1/pins`. Nix sees none of them. */
export const PIN_FAILURES = {
  "pin-path-absent": {
    status: 409,
    message:
      "Push the path before you pin it (nargate push; with --all if another cache signed it): the bucket does not hold",
  },
  "pin-path-differs": {
    status: 409,
    message: "The cache has a path of another name with this hash. Check the path.",
  },
  "pin-full": {
    status: 409,
    message:
      "This pin has too many revisions. Limit it with --keep-revisions N or --keep-days N, or pin the path under another name. The most are",
  },
  "pin-unknown": {
    status: 404,
    message: "There is no pin of this name. nargate pins lists them.",
  },
} as const satisfies FailureTable;
