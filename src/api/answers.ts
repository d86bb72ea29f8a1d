import {
  array,
  boolean,
  check,
  type InferInput,
  type InferOutput,
  literal,
  minValue,
  nullish,
  number,
  object,
  optional,
  pipe,
  readonly,
  record,
  regex,
  string,
  transform,
  union,
  variant,
} from "valibot";
import { parsePublicKey } from "../nix/signature.ts";
import { batchLimitsSchema } from "./batches.ts";
import { pinKeepSchema, pinNameSchema, pinPathSchema } from "./pins.ts";

// The worker imports only the types of this file: it writes these answers and
// never reads one, so their schemas are not deployed.

const publicKey = pipe(
  string("is not a text"),
  check((text) => parsePublicKey(text).ok, "is not a public key"),
  // Nix allows more. But in nix.conf a "#" would begin a comment, which hides the keys
  // behind it, and people copy these lines into other files.
  regex(/^[\w.@+/-]+:/, "is a public key whose name is not of letters, digits and . _ @ + / -"),
);

/** Answer of `GET /api/v1/cache`, to everyone: the facts that a client needs to use this cache. */
export const gatewayFactsSchema = object({
  /** Three numbers, perhaps with a suffix such as -rc.1. */
  version: pipe(string(), regex(/^[\w.+-]{1,64}$/, "is not a version")),
  storeDir: pipe(string(), regex(/^(?:\/[\w.+-]{1,255}){1,32}$/, "is not an absolute path")),
  priority: number(),
  access: union([literal("public"), literal("token")]),
  /** In Nix's format. Each key is checked, because clients write it into nix.conf. */
  publicKeys: pipe(array(publicKey), readonly()),
  /**
   * The keys with which the gateway signs what is pushed; empty if it does not sign.
   * They are among `publicKeys`. A gateway of version 0.1 does not say.
   */
  signingKeys: optional(pipe(array(publicKey), readonly())),
  /** "contents" if the gateway signs only paths whose NAR it has unpacked. A newer gateway may know more values. */
  proves: optional(string()),
  /** Whether the gateway accepts pushes. */
  uploads: boolean(),
  /** Bytes. The parts of a larger NAR go straight to the bucket. */
  partSizeThreshold: number(),
  /** A gateway of version 0.1.0 has no batches: a client asks it for each path. */
  batches: optional(batchLimitsSchema),
});
export type GatewayFacts = Readonly<InferOutput<typeof gatewayFactsSchema>>;

/** Answer of `GET /api/v1/token`, to the holder of the token that came with the request. */
export const tokenAnswerSchema = object({
  /** Names are shown to people, so they hold no spaces and no control characters. */
  name: pipe(string(), regex(/^[\x21-\x7e]{1,600}$/, "is not a plain name")),
  /** Texts rather than scopes: a newer gateway may know more scopes than this client. */
  scopes: array(string()),
  /** The last day on which the token is valid, in UTC: YYYY-MM-DD. Null for a token without one. */
  expires: nullish(pipe(string(), regex(/^\d{4}-\d{2}-\d{2}$/, "is not a day"))),
});
export type TokenAnswer = Readonly<InferOutput<typeof tokenAnswerSchema>>;

const handle = {
  handle: string(),
  /** In ISO format, by the gateway's clock. */
  handleExpires: string(),
};

const storedParts = array(object({ number: number(), size: number() }));
const signedUrls = {
  urls: array(object({ number: number(), url: string() })),
  /** The time until which the URLs are valid, in ISO format and by the gateway's clock. */
  urlsExpire: string(),
};

/** Answer of `POST /api/v1/uploads/urls`. */
export const partUrlsSchema = object(signedUrls);
export type PartUrlsAnswer = InferOutput<typeof partUrlsSchema>;

/** Answer of `POST /api/v1/uploads/parts`: the parts that the bucket has. */
export const partsSchema = object({ parts: storedParts });
export type PartsAnswer = InferOutput<typeof partsSchema>;

/** Answer of `POST /api/v1/uploads`. `stored` means that the bucket already has the NAR. */
export const uploadStartedSchema = variant("status", [
  object({ status: literal("stored") }),
  object({
    status: literal("open"),
    ...handle,
    /** Bytes of the whole file. */
    size: number(),
    /** Bytes of every part but the last. */
    partSize: pipe(number(), minValue(1, "is not a number from 1 on")),
    /** The parts that an earlier try has left in the bucket. */
    parts: storedParts,
    ...signedUrls,
  }),
]);
export type UploadStartedAnswer = InferOutput<typeof uploadStartedSchema>;

/** Answer of `POST /api/v1/uploads/proof`. */
export const uploadProofSchema = variant("provedBy", [
  /** The bucket refuses a PUT with other bytes than its signature covers. */
  object({ provedBy: literal("bucket") }),
  /** The gateway reads large NARs back. `because` is a predicate about the bucket. */
  object({ provedBy: literal("gateway"), because: string() }),
]);
export type UploadProofAnswer = InferOutput<typeof uploadProofSchema>;

/**
 * Answer of `POST /api/v1/uploads/signed`. `stored` means that the bucket already has the
 * NAR, and `sent` that an earlier try sent it: the client completes the upload.
 */
export const signedUploadSchema = variant("status", [
  object({ status: literal("stored") }),
  object({ status: literal("sent"), ...handle }),
  /** The client PUTs the NAR to `url` with exactly these headers, and within 15 minutes. */
  object({
    status: literal("open"),
    ...handle,
    url: string(),
    headers: record(string(), string()),
  }),
]);
export type SignedUploadAnswer = InferOutput<typeof signedUploadSchema>;

/** One line of the answer of `POST /api/v1/uploads/complete`; a failure is a `FailureBody`. */
export const completionLineSchema = variant("status", [
  object({ status: literal("checking"), bytes: optional(number(), 0), size: optional(number()) }),
  object({ status: literal("copying") }),
  object({ status: literal("stored") }),
]);
export type CompletionLine = InferOutput<typeof completionLineSchema>;

/** Answer of `POST /api/v1/missing`. */
export const missingAnswerSchema = object({
  /** Hash parts of the paths whose narinfo the bucket does not have. */
  missing: pipe(array(string()), readonly()),
  /** Hashes that the gateway has not looked for: the client asks for them again. */
  rest: pipe(array(string()), readonly()),
});
export type MissingAnswer = Readonly<InferOutput<typeof missingAnswerSchema>>;

/** One line of the answer of `POST /api/v1/publish`. */
export const publishedLineSchema = union([
  /** The end of one narinfo. An error leaves everything published as it was. */
  object({ path: string(), outcome: string() }),
  object({ path: string(), error: object({ code: string(), message: string() }) }),
  /** Shows that the gateway is still at work. */
  object({ status: literal("publishing") }),
  /** The last line: the number of narinfos that the gateway took. */
  object({ took: number() }),
]);
export type PublishedLine = InferOutput<typeof publishedLineSchema>;

const time = pipe(
  string(),
  check((value) => !Number.isNaN(Date.parse(value)), "is not a time"),
  transform((value) => new Date(value)),
);

/** Answer of `GET /api/v1/pins`: a page of the revisions of all pins, by name. */
export const pinsAnswerSchema = object({
  revisions: pipe(
    array(
      object({
        name: pinNameSchema,
        path: pinPathSchema,
        /** By the gateway's clock, in ISO format. */
        at: time,
        by: string(),
        keep: pinKeepSchema,
      }),
    ),
    readonly(),
  ),
  /** Names of objects that are not pins as this gateway writes them. */
  unreadable: pipe(array(string()), readonly()),
  /** The value of `after` for the next page. Null for the last page. */
  next: nullish(string()),
});
/** The answer as the gateway writes it. */
export type PinsAnswer = InferInput<typeof pinsAnswerSchema>;

/** Answer of `POST /api/v1/pins`. */
export const pinSetSchema = object({
  /** The number of revisions that the pin keeps now. */
  kept: number(),
  /** The number of older revisions that it no longer keeps, and that were removed. */
  dropped: number(),
});
export type PinSetAnswer = InferOutput<typeof pinSetSchema>;

/** Answer of `POST /api/v1/pins/remove`. */
export const pinRemovedSchema = object({
  /** The number of revisions that were removed. */
  removed: number(),
  /** Whether revisions are left: the client asks again. */
  rest: boolean(),
});
export type PinRemovedAnswer = InferOutput<typeof pinRemovedSchema>;

/** Body of each failure of the API, and the last line of a completion that failed. */
export const failureBodySchema = object({
  error: object({
    /** A code of `failures/failures.ts`, or of a newer gateway. */
    code: string(),
    message: string(),
    /** Finds the request in the operator's log. */
    requestId: optional(string()),
  }),
});
export type FailureBody = InferOutput<typeof failureBodySchema>;
