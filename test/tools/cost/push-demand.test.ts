import { describe, expect, it } from "vitest";
import { MAX_PART_URLS } from "../../../src/client/push/upload-api.ts";
import { PUSH_LIMITS } from "../../../tools/cost/push-demand.ts";
import { BUFFER_BYTES } from "../../../src/worker/ingest/buffer-pool.ts";
import { PART_SIZE_THRESHOLD_BYTES, partSizeOf } from "../../../src/worker/ingest/part-plan.ts";

// tsc does not follow an import by a variable. It must not check this file here,
// because the file needs the types of the worker and not those of Node.
const S3_COPY = "../../../src/worker/bucket/s3-copy.ts";

describe("PUSH_LIMITS", () => {
  // tools/cost may not import these files; see oxlint.config.ts.
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
