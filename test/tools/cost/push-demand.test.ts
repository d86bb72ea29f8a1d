import { describe, expect, it } from "vitest";
import { MAX_PART_URLS } from "../../../src/api/direct-uploads.ts";
import { PUSH_LIMITS } from "../../../tools/cost/push-demand.ts";
import { BUFFER_BYTES } from "../../../src/worker/ingest/buffer-pool.ts";
import { PART_SIZE_THRESHOLD_BYTES } from "../../../src/api/direct-uploads.ts";
import { partSizeOf } from "../../../src/worker/ingest/direct/part-plan.ts";

// By a name that tsc does not follow: behind it are the worker's types, which Node's are not.
const S3_COPY = "../../../src/worker/bucket/s3-copy.ts";

describe("PUSH_LIMITS", () => {
  // tools/cost may import none of these; see .oxlintrc.json.
  it("is what the gateway and nargate push go by", async () => {
    const { COPY_LIMITS } = await import(S3_COPY);
    expect(PUSH_LIMITS).toEqual({
      directAboveBytes: PART_SIZE_THRESHOLD_BYTES,
      directPartBytes: partSizeOf(150e9),
      gatewayPartBytes: BUFFER_BYTES,
      urlsPerRequest: MAX_PART_URLS,
      singleCopyBytes: COPY_LIMITS.maxSingleBytes,
      copyRangeBytes: COPY_LIMITS.rangeBytes,
    });
  });
});
