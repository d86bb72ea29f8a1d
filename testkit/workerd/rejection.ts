import { CacheError } from "../../src/worker/cache-error.ts";

/** What `promise` rejects with, which must be a `CacheError`. */
export async function rejectionOf(promise: Promise<unknown>): Promise<CacheError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!("error" in outcome)) throw new Error("expected a failure, but it succeeded");
  if (outcome.error instanceof CacheError) return outcome.error;
  throw outcome.error;
}
