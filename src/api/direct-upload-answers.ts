import {
  array,
  type InferOutput,
  literal,
  minValue,
  number,
  object,
  optional,
  pipe,
  string,
  variant,
} from "valibot";

// The worker imports only the types of this file: it writes these answers and
// never reads one, so their schemas are not deployed.

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
    handle: string(),
    /** In ISO format, by the gateway's clock. */
    handleExpires: string(),
    /** Bytes of the whole file. */
    size: number(),
    /** Bytes of every part but the last. */
    partSize: pipe(number(), minValue(1)),
    /** The parts that an earlier try has left in the bucket. */
    parts: storedParts,
    ...signedUrls,
  }),
]);
export type UploadStartedAnswer = InferOutput<typeof uploadStartedSchema>;

/** One line of the answer of `POST /api/v1/uploads/complete`; a failure is a `FailureBody`. */
export const completionLineSchema = variant("status", [
  object({ status: literal("checking"), bytes: optional(number(), 0), size: optional(number()) }),
  object({ status: literal("copying") }),
  object({ status: literal("stored") }),
]);
export type CompletionLine = InferOutput<typeof completionLineSchema>;
