import {
  array,
  type InferOutput,
  maxLength,
  minValue,
  number,
  object,
  optional,
  pipe,
  regex,
  safeInteger,
  string,
} from "valibot";
import { notAnObject } from "./read-shape.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** The most hashes in one request of `/api/v1/missing`. The closure of a large NixOS system has some 10,000 paths. */
export const MAX_MISSING_HASHES = 32_768;

/** Bytes. A hash of 32 characters has two quotes and a comma; the rest is room for spaces. */
export const MAX_MISSING_BYTES = MAX_MISSING_HASHES * 40 + KIB;

/**
 * The most requests to the bucket for one request of `/api/v1/missing`: two times six at
 * once. To read a page of a listing takes some 0.9 ms of CPU, and the free plan of Workers
 * allows 10 ms and 50 subrequests. Several requests of the client at once find more in the
 * same time than one with a larger budget.
 */
export const MISSING_BUDGET = 12;

/**
 * The most narinfos that one request of `/api/v1/publish` publishes: as many as wait for the
 * bucket at once. A narinfo takes up to 5 requests to the bucket (a look at its NAR or the
 * PUT of its NAR, a look at the published narinfo, the PUT of its listing, its own PUT, and a
 * look after it) and up to two more subrequests at the edge. 6 × 7 leaves 8 of the free plan's 50 subrequests for
 * attempts that fail, and for a second look where the first one finds another ETag. A narinfo takes some 0.7 ms of CPU (docs/performance.md); the free
 * plan allows 10 ms.
 */
export const NARINFOS_AT_ONCE = 6;

/** The same with PROVE=contents, where a narinfo takes two more subrequests: the GET of its NAR, and a purge. 5 × 9 leaves 5. */
export const PROVED_NARINFOS_AT_ONCE = 5;

/**
 * After this number of requests to the bucket, a request of `/api/v1/publish` takes no
 * further narinfo, because attempts have failed and were repeated.
 */
export const PUBLISH_BUDGET = 30;

/**
 * The most narinfos in one request of `/api/v1/publish`. If the gateway takes fewer, the client
 * sends the others again.
 */
export const MAX_PUBLISH_LINES = 256;

/** Bytes. A narinfo has 1 to 4 KB, and 2 MiB at most: room for one of these, escaped in JSON. */
export const MAX_PUBLISH_BYTES = 4 * MIB;

/**
 * Bytes of a NAR file that goes with its narinfo: it then costs no request of its own. Each
 * request for a small NAR takes about as much CPU of the gateway as its narinfo does.
 */
export const MAX_BATCHED_NAR_BYTES = 16 * KIB;

/** UTF-16 code units of a listing in a batch. A longer one goes by a PUT of its own. */
export const MAX_LISTING_LENGTH = 64 * KIB;

const text = string("is not a text");
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;
const hash = pipe(text, regex(/^[0-9abcdfghijklmnpqrsvwxyz]{32}$/, "is not 32 digits of nix32"));

/** Body of `POST /api/v1/missing`. */
export const missingSchema = object(
  {
    /** Hash parts of store paths. */
    paths: pipe(
      array(hash, "is not a list"),
      maxLength(MAX_MISSING_HASHES, `is a list of more than ${MAX_MISSING_HASHES} hashes`),
    ),
  },
  notAnObject,
);

/**
 * One line of the body of `POST /api/v1/publish`. This gateway checks the reserved fields
 * and does nothing with them. It ignores fields that it does not know.
 */
export const publishLineSchema = object(
  {
    /** Hash part of the store path: the name under which the narinfo is published. */
    path: hash,
    narinfo: text,
    /** How long the build took. The catalog keeps it. */
    buildSeconds: optional(pipe(number("is not a number"), minValue(0, "is negative"))),
    /** The listing of the NAR. It is stored as `<hash>.ls` if this request publishes the path. */
    listing: optional(
      pipe(text, maxLength(MAX_LISTING_LENGTH, `is longer than ${MAX_LISTING_LENGTH} characters`)),
    ),
    /** The NAR file in base64. It is stored as the URL of the narinfo says, if its bytes hash to that. */
    nar: optional(
      pipe(
        text,
        maxLength(
          Math.ceil(MAX_BATCHED_NAR_BYTES / 3) * 4,
          `is of more than ${MAX_BATCHED_NAR_BYTES} bytes`,
        ),
        // Valibot's own check takes a few letters beyond ASCII for digits.
        regex(BASE64, "is not base64"),
      ),
    ),
    /** Hash parts of references that another cache has: it does not matter if this one removed them. */
    upstreamReferences: optional(array(hash, "is not a list")),
  },
  notAnObject,
);
export type PublishLine = InferOutput<typeof publishLineSchema>;

/** The limits of batches, as the gateway announces them. */
export const batchLimitsSchema = object({
  /** The most hashes in one request of `/api/v1/missing`. */
  hashes: pipe(number(), safeInteger(), minValue(1)),
  /** The number of narinfos that one request of `/api/v1/publish` takes. */
  narinfos: pipe(number(), safeInteger(), minValue(1)),
  /** Bytes of the largest NAR file that may go with its narinfo. Left out by older gateways. */
  narBytes: optional(pipe(number(), safeInteger(), minValue(1))),
});
