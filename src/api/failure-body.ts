import { type InferOutput, object, optional, string } from "valibot";

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
