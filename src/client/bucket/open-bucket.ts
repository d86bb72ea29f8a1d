import { parseBucketLocation } from "../../settings/bucket-settings.ts";
import { formatProblems } from "../../settings/setting-reader.ts";
import { UsageError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import { type BucketReader, createBucketReader } from "./bucket-reader.ts";

/**
 * Opens the bucket of the environment, by the six settings B2_* of the gateway. Throws
 * `UsageError` that names every setting which is missing or wrong, and no value.
 */
export function openBucket(context: ProcessContext): BucketReader {
  const location = parseBucketLocation(context.env);
  if (location.ok) return createBucketReader(location.value, context);
  throw new UsageError(
    `the bucket is not known: ${formatProblems(location.error)}. Set the same B2_* variables as for the gateway`,
  );
}
