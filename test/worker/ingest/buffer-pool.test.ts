import { describe, expect, it } from "vitest";
import {
  BUFFER_BYTES,
  type BufferPool,
  createBufferPool,
  type Lease,
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

function takeAll(pool: BufferPool): Lease[] {
  const leases: Lease[] = [];
  for (let lease = pool.tryAcquire(); lease !== undefined; lease = pool.tryAcquire()) {
    leases.push(lease);
  }
  return leases;
}

/** Waits for a buffer, and puts it into `leases`. */
async function collect(pool: BufferPool, leases: Lease[]): Promise<void> {
  leases.push(await pool.acquire());
}

/** As a BYOB read that fails leaves the buffer: its memory is gone elsewhere. */
function detach(lease: Lease): void {
  lease.buffer.transfer();
}

describe("createBufferPool", () => {
  it("gives six buffers of 8 MiB and no more: 48 of an isolate's 128 MiB (law 7)", () => {
    const leases = takeAll(createBufferPool(createClock({ sleep: async () => {} })));
    expect(leases.map(({ buffer }) => buffer.byteLength)).toEqual(
      Array.from({ length: 6 }, () => 8 * 1024 * 1024),
    );
  });

  it("gives the same memory again", async () => {
    const pool = createBufferPool(createClock({ sleep: async () => {} }), 1);
    const first = await pool.acquire();
    const { buffer } = first;
    pool.release(first);
    expect((await pool.acquire()).buffer).toBe(buffer);
  });

  it("keeps a waiter on a timer of its own until a buffer is free", async () => {
    const { sleep, tick, pauses } = createTimer();
    const pool = createBufferPool(createClock({ sleep }), 1);
    const lease = await pool.acquire();
    const got: Lease[] = [];
    const waiting = collect(pool, got);
    for (let count = 0; count < 3; count++) {
      await tick();
      expect(got).toEqual([]);
      expect(pauses()).toEqual([20]);
    }
    pool.release(lease);
    await tick();
    await waiting;
    expect(got[0]?.buffer).toBe(lease.buffer);
  });

  it("makes another buffer for one whose request was ended in the middle, but not before", async () => {
    let now = 0;
    const pool = createBufferPool({ sleep: async () => {}, now: () => new Date(now) }, 1);
    const lost = await pool.acquire();
    now = 14 * 60_000;
    expect(pool.tryAcquire()).toBeUndefined();
    pool.touch(lost);
    now = 28 * 60_000;
    expect(pool.tryAcquire()).toBeUndefined();
    now = 30 * 60_000;
    const next = pool.tryAcquire();
    expect(next?.buffer.byteLength).toBe(BUFFER_BYTES);
    // Should its request live after all, the pool does not grow by it.
    pool.release(lost);
    expect(pool.tryAcquire()).toBeUndefined();
  });

  it("serves waiters in the order they came", async () => {
    const { sleep, tick } = createTimer();
    const pool = createBufferPool(createClock({ sleep }), 1);
    const lease = await pool.acquire();
    const served: Lease[][] = [[], [], []];
    for (const own of served) void collect(pool, own);
    const counts: number[][] = [];
    for (let last = lease; counts.length < 3; last = served[counts.length - 1]?.[0] as Lease) {
      pool.release(last);
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
    const pool = createBufferPool(createClock({ sleep }), 2);
    const [one, two] = [await pool.acquire(), await pool.acquire()];
    const waiting = pool.acquire();
    pool.release(one);
    expect(pool.tryAcquire()).toBeUndefined();
    await tick();
    await waiting;
    pool.release(two);
    expect(pool.tryAcquire()?.buffer).toBe(two.buffer);
  });

  it("makes another buffer for one that was lost with its stream", async () => {
    const pool = createBufferPool(createClock({ sleep: async () => {} }), 2);
    for (let count = 0; count < 5; count++) {
      const lease = await pool.acquire();
      detach(lease);
      pool.release(lease);
    }
    const leases = takeAll(pool);
    expect(leases.map(({ buffer }) => buffer.byteLength)).toEqual([BUFFER_BYTES, BUFFER_BYTES]);
  });

  it("passes over a waiter whose request was cancelled, and who never looks again", async () => {
    const { sleep, tick } = createTimer();
    let isDead = false;
    const pool = createBufferPool(
      createClock({
        sleep: (milliseconds) => (isDead ? new Promise(() => {}) : sleep(milliseconds)),
      }),
      1,
    );
    const lease = await pool.acquire();
    isDead = true;
    void pool.acquire();
    isDead = false;
    const got: Lease[] = [];
    void collect(pool, got);
    pool.release(lease);
    for (let count = 0; count < 200; count++) await tick();
    expect(got).toHaveLength(1);
    pool.release(got[0] as Lease);
    expect(pool.tryAcquire()).toBeDefined();
  });

  it("takes one back that was only slow, before those who came later", async () => {
    const { sleep, tick } = createTimer();
    const wakes: (() => void)[] = [];
    let isSlow = false;
    const pool = createBufferPool(
      createClock({
        sleep: (milliseconds) =>
          isSlow ? new Promise((wake) => wakes.push(wake)) : sleep(milliseconds),
      }),
      1,
    );
    const lease = await pool.acquire();
    const slow: Lease[] = [];
    const later: Lease[] = [];
    isSlow = true;
    void collect(pool, slow);
    isSlow = false;
    void collect(pool, later);
    for (let count = 0; count < 200; count++) await tick();
    for (const wake of wakes) wake();
    await scheduler.wait(0);
    pool.release(lease);
    await tick();
    await tick();
    expect([slow.length, later.length]).toEqual([1, 0]);
  });

  it("does not pass over one that only waits long", async () => {
    const { sleep, tick } = createTimer();
    const pool = createBufferPool(createClock({ sleep }), 1);
    const lease = await pool.acquire();
    const served: Lease[][] = [[], [], []];
    for (const own of served) void collect(pool, own);
    for (let count = 0; count < 300; count++) await tick();
    pool.release(lease);
    await tick();
    await tick();
    expect(served.map(({ length }) => length)).toEqual([1, 0, 0]);
  });
});
