import type { FailureTable } from "./read-failures.ts";

/** Failures of `/api/v1/uploads`: uploads whose parts go straight to the bucket. */
export const DIRECT_UPLOAD_FAILURES = {
  "upload-malformed": { status: 400, message: "The request is malformed" },
  "upload-too-small": {
    status: 400,
    message: "Upload a NAR of this size with one PUT. Parts are for NARs larger than",
  },
  "handle-invalid": {
    status: 400,
    message: "The upload's handle is wrong or has expired. Start the upload again.",
  },
  "handle-of-another": {
    status: 403,
    message: "The upload's handle belongs to another token. Start the upload again.",
  },
  "payload-unchecked": {
    status: 409,
    message:
      "It is not certain that this bucket proves the bytes of a PUT. Send the NAR in another way.",
  },
  "upload-incomplete": { status: 409, message: "The upload is not complete:" },
  "upload-gone": {
    status: 404,
    message: "This upload does not exist any more. Start it again.",
  },
  "upload-changed": {
    status: 409,
    message: "The upload changed while it was checked. Nothing was stored. Start it again.",
  },
} as const satisfies FailureTable;
