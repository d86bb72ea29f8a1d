import { platformClock } from "../../src/worker/clock.ts";
import {
  createBufferPool,
  FIRST_BUFFERS,
  PART_BUFFERS,
  PROOF_PLACES,
  type UploadBuffers,
} from "../../src/worker/ingest/buffer-pool.ts";

export interface TestBuffers extends UploadBuffers {
  /** The number of buffers for first bytes that are on loan. */
  heldFirst(): number;
}

/** `count` buffers for parts, all of which one token may hold, and buffers for first bytes as in the gateway. */
export function createTestBuffers(count: number): TestBuffers {
  const size = { ...FIRST_BUFFERS, share: FIRST_BUFFERS.count };
  const first = createBufferPool(platformClock, size);
  return {
    first,
    parts: createBufferPool(platformClock, { ...PART_BUFFERS, count, share: count }),
    proofs: createBufferPool(platformClock, PROOF_PLACES),
    heldFirst() {
      const leases = Array.from({ length: size.count }, () => first.tryAcquire("test"));
      const free = leases.filter((lease) => lease !== undefined);
      for (const lease of free) lease.release();
      return size.count - free.length;
    },
  };
}
