import { describe, expect, it } from "vitest";
import type { Clock } from "../../../src/worker/clock.ts";
import {
  type BufferPool,
  createBufferPool,
  FIRST_BUFFERS,
  type Lease,
  PART_BUFFERS,
  PROOF_PLACES,
} from "../../../src/worker/ingest/buffer-pool.ts";
import { createClock } from "../../../testkit/workerd/clock.ts";

/** A timer that goes off when the test says so, for the last waiter first. */
function createTimer() {
  let waiting: { readonly milliseconds: number; readonly wake: () => void }[] = [];
  return {
    pauses: () => waiting.map(({ milliseconds }) => milliseconds),
    sleep: (milliseconds: number) =>
      new Promise<void>((wake) => {
        waiting.push({ milliseconds, wake });
      }),
    /** Lets every waiter look once more. */
    async tick() {
      const woken = waiting;
      waiting = [];
      for (const { wake } of woken.toReversed()) wake();
      await scheduler.wait(0);
    },
  };
}

function takeAll(pool: BufferPool, owner = "ci"): Lease[] {
  const leases: Lease[] = [];
  for (let lease = pool.tryAcquire(owner); lease !== undefined; lease = pool.tryAcquire(owner)) {
    leases.push(lease);
  }
  return leases;
}

/** Waits for a buffer, and puts it into `leases`. */
async function collect(pool: BufferPool, leases: Lease[]): Promise<void> {
  leases.push(await pool.acquire("ci"));
}

/** As a BYOB read that fails leaves the buffer: its memory is gone elsewhere. */
function detach(lease: Lease): void {
  lease.buffer.transfer();
}

/** Buffers for parts, all of which one token may hold. */
const openPool = (clock: Clock, count: number) =>
  createBufferPool(clock, { ...PART_BUFFERS, count, share: count });

describe("createBufferPool", () => {
  it.each([
    { what: "parts", size: PART_BUFFERS, mib: 48 },
    { what: "first bytes", size: FIRST_BUFFERS, mib: 8 },
  ])("gives $mib of an isolate's 128 MiB for $what, and no more (law 7)", ({ size, mib }) => {
    const pool = createBufferPool(createClock({ sleep: async () => {} }), size);
    const leases = [...takeAll(pool), ...takeAll(pool, "other"), ...takeAll(pool, "third")];
    const bytes = leases.reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
    expect(bytes).toBe(mib * 1024 * 1024);
  });

  it("leaves buffers to others, whatever one token does", async () => {
    const { sleep, tick } = createTimer();
    const pool = createBufferPool(createClock({ sleep }), PART_BUFFERS);
    const mine = takeAll(pool);
    expect(mine).toHaveLength(4);
    const later: Lease[] = [];
    void collect(pool, later);
    // The waiter of the token that has its share stands in nobody's way.
    expect(pool.tryAcquire("other")).toBeDefined();
    expect((await pool.acquire("other")).buffer.byteLength).toBe(PART_BUFFERS.bytes);
    await tick();
    expect(later).toEqual([]);
    mine[0]?.release();
    await tick();
    expect(later).toHaveLength(1);
  });

  it("gives the same memory again", async () => {
    const pool = openPool(createClock({ sleep: async () => {} }), 1);
    const first = await pool.acquire("ci");
    const { buffer } = first;
    first.release();
    expect((await pool.acquire("ci")).buffer).toBe(buffer);
  });

  it("keeps a waiter on a timer of its own until a buffer is free", async () => {
    const { sleep, tick, pauses } = createTimer();
    const pool = openPool(createClock({ sleep }), 1);
    const lease = await pool.acquire("ci");
    const got: Lease[] = [];
    const waiting = collect(pool, got);
    for (let count = 0; count < 3; count++) {
      await tick();
      expect(got).toEqual([]);
      expect(pauses()).toEqual([20]);
    }
    lease.release();
    await tick();
    await waiting;
    expect(got[0]?.buffer).toBe(lease.buffer);
  });

  it("makes another buffer for one whose request was ended in the middle, but not before", async () => {
    let now = 0;
    const pool = openPool({ sleep: async () => {}, now: () => new Date(now) }, 1);
    const lost = await pool.acquire("ci");
    now = 14 * 60_000;
    expect(pool.tryAcquire("ci")).toBeUndefined();
    lost.touch();
    now = 28 * 60_000;
    expect(pool.tryAcquire("ci")).toBeUndefined();
    now = 30 * 60_000;
    const next = pool.tryAcquire("ci");
    expect(next?.buffer.byteLength).toBe(PART_BUFFERS.bytes);
    // Should its request live after all, the pool does not grow by it.
    lost.release();
    expect(pool.tryAcquire("ci")).toBeUndefined();
  });

  it("takes the place of a proof for lost after two minutes without a sign of life", async () => {
    let now = 0;
    const clock = { sleep: async () => {}, now: () => new Date(now) };
    const pool = createBufferPool(clock, PROOF_PLACES);
    const [lost] = takeAll(pool);
    now = 100_000;
    lost?.touch();
    now = 200_000;
    expect(takeAll(pool)).toHaveLength(PROOF_PLACES.share - 1);
    now = 220_000;
    expect(takeAll(pool)).toHaveLength(1);
  });

  it("serves waiters in the order they came", async () => {
    const { sleep, tick } = createTimer();
    const pool = openPool(createClock({ sleep }), 1);
    const lease = await pool.acquire("ci");
    const served: Lease[][] = [[], [], []];
    for (const own of served) void collect(pool, own);
    const counts: number[][] = [];
    for (let last = lease; counts.length < 3; last = served[counts.length - 1]?.[0] as Lease) {
      last.release();
      await tick();
      await tick();
      counts.push(served.map(({ length }) => length));
    }
    expect(counts).toEqual([
      [1, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
  });

  it("does not let one who asks by the way overtake a waiter", async () => {
    const { sleep, tick } = createTimer();
    const pool = openPool(createClock({ sleep }), 2);
    const [one, two] = [await pool.acquire("ci"), await pool.acquire("ci")];
    const waiting = pool.acquire("ci");
    one.release();
    expect(pool.tryAcquire("ci")).toBeUndefined();
    await tick();
    await waiting;
    two.release();
    expect(pool.tryAcquire("ci")?.buffer).toBe(two.buffer);
  });

  it("makes another buffer for one that was lost with its stream", async () => {
    const pool = openPool(createClock({ sleep: async () => {} }), 2);
    for (let count = 0; count < 5; count++) {
      const lease = await pool.acquire("ci");
      detach(lease);
      lease.release();
    }
    const leases = takeAll(pool);
    expect(leases.map(({ buffer }) => buffer.byteLength)).toEqual([
      PART_BUFFERS.bytes,
      PART_BUFFERS.bytes,
    ]);
  });

  it("passes over a waiter whose request was cancelled, and who never looks again", async () => {
    const { sleep, tick } = createTimer();
    let isDead = false;
    const pool = openPool(
      createClock({
        sleep: (milliseconds) => (isDead ? new Promise(() => {}) : sleep(milliseconds)),
      }),
      1,
    );
    const lease = await pool.acquire("ci");
    isDead = true;
    void pool.acquire("ci");
    isDead = false;
    const got: Lease[] = [];
    void collect(pool, got);
    lease.release();
    for (let count = 0; count < 200; count++) await tick();
    expect(got).toHaveLength(1);
    (got[0] as Lease).release();
    expect(pool.tryAcquire("ci")).toBeDefined();
  });

  it("takes one back that was only slow, before those who came later", async () => {
    const { sleep, tick } = createTimer();
    const wakes: (() => void)[] = [];
    let isSlow = false;
    const pool = openPool(
      createClock({
        sleep: (milliseconds) =>
          isSlow ? new Promise((wake) => wakes.push(wake)) : sleep(milliseconds),
      }),
      1,
    );
    const lease = await pool.acquire("ci");
    const slow: Lease[] = [];
    const later: Lease[] = [];
    isSlow = true;
    void collect(pool, slow);
    isSlow = false;
    void collect(pool, later);
    for (let count = 0; count < 200; count++) await tick();
    for (const wake of wakes) wake();
    await scheduler.wait(0);
    lease.release();
    await tick();
    await tick();
    expect([slow.length, later.length]).toEqual([1, 0]);
  });

  it("does not pass over one that only waits long", async () => {
    const { sleep, tick } = createTimer();
    const pool = openPool(createClock({ sleep }), 1);
    const lease = await pool.acquire("ci");
    const served: Lease[][] = [[], [], []];
    for (const own of served) void collect(pool, own);
    for (let count = 0; count < 300; count++) await tick();
    lease.release();
    await tick();
    await tick();
    expect(served.map(({ length }) => length)).toEqual([1, 0, 0]);
  });
});
