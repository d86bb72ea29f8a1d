import { describe, expect, it } from "vitest";
import { NARINFOS_AT_ONCE } from "../../src/api/batches.ts";
import { MAX_PART_URLS, PART_SIZE_THRESHOLD_BYTES } from "../../src/api/direct-uploads.ts";
import { COPY_LIMITS } from "../../src/worker/bucket/s3-copy.ts";
import { PART_BUFFERS } from "../../src/worker/ingest/buffer-pool.ts";
import { partSizeOf } from "../../src/worker/ingest/direct/part-plan.ts";
import { PUSH_LIMITS } from "../../tools/cost/push-demand.ts";

// The cost tool may not import the worker (see oxlint.config.ts), so it repeats
// these numbers.
describe("the limits that the cost tool counts with", () => {
  it("are those of the gateway and of nargate push", () => {
    expect(PUSH_LIMITS).toEqual({
      directAboveBytes: PART_SIZE_THRESHOLD_BYTES,
      directPartBytes: partSizeOf(150e9),
      gatewayPartBytes: PART_BUFFERS.bytes,
      narinfosPerRequest: NARINFOS_AT_ONCE,
      urlsPerRequest: MAX_PART_URLS,
      singleCopyBytes: COPY_LIMITS.maxSingleBytes,
      copyRangeBytes: COPY_LIMITS.rangeBytes,
    });
  });
});
