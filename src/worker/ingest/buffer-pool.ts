import { CacheError } from "../cache-error.ts";
import type { Clock } from "../clock.ts";

/**
 * Bytes of one buffer. All uploads of an isolate share six buffers (law 7): 48 MiB
 * of the isolate's 128 MiB, whatever the number of uploads.
 *
 * 8 MiB is more than S3's smallest part (5 MiB), and 10,000 such parts hold 80 GB.
 */
export const BUFFER_BYTES = 8 * 1024 * 1024;
const BUFFER_COUNT = 6;

// Short enough that a free buffer is used soon, long enough to cost nothing.
const POLL_MILLISECONDS = 20;

// About a second, counted in polls of another waiter. A living waiter polls too.
const POLLS_OF_THE_DEAD = 50;

const WAIT_MILLISECONDS = 240_000;

// Longer than any living upload leaves its buffer alone: at 10 KB/s a client sends
// 8 MiB in this time, and the retries of a part take less than two minutes.
const LEASE_MILLISECONDS = 15 * 60 * 1000;

/**
 * A buffer on loan. A BYOB read detaches the buffer and returns another object for
 * the same memory; the reader must put that object here. A read that fails leaves
 * a detached buffer.
 */
export interface Lease {
  buffer: ArrayBuffer;
  /** Time of the last read into the buffer, in milliseconds; see `BufferPool.touch`. */
  usedAt: number;
}

export interface BufferPool {
  /**
   * Waits for a buffer, on a timer: workerd takes a request that waits only for
   * another request's promise for hung, and cancels it. Throws `uploads-busy`
   * after 240 s, before Nix gives up (300 s).
   */
  acquire(): Promise<Lease>;
  /** Returns a buffer if one is free now. An upload that has one must not wait for a second. */
  tryAcquire(): Lease | undefined;
  /** Notes that an upload uses the buffer now. Otherwise the pool takes the upload's request for dead. */
  touch(lease: Lease): void;
  release(lease: Lease): void;
}

interface Waiter {
  /** The number of polls by other waiters since this waiter polled. */
  missed: number;
}

export function createBufferPool(clock: Clock, count = BUFFER_COUNT): BufferPool {
  const now = () => clock.now().getTime();
  const free: ArrayBuffer[] = [];
  const lent = new Set<Lease>();
  const waiting: Waiter[] = [];
  let made = 0;

  function take(): Lease | undefined {
    if (free.length === 0 && made === count) forgetTheDead();
    if (free.length === 0 && made === count) return undefined;
    const lease = { buffer: free.pop() ?? makeBuffer(), usedAt: now() };
    lent.add(lease);
    return lease;
  }

  function makeBuffer(): ArrayBuffer {
    made++;
    return new ArrayBuffer(BUFFER_BYTES);
  }

  /** Gives up the buffers of dead requests. A request that the platform ends runs no clean-up. */
  function forgetTheDead(): void {
    for (const lease of lent) {
      if (now() - lease.usedAt < LEASE_MILLISECONDS) continue;
      lent.delete(lease);
      made--;
    }
  }

  /**
   * Whether it is this waiter's turn. A request that is cancelled while it waits
   * never polls again and cannot say so. The waiters behind it must not wait for
   * it, so it loses its place after a second.
   */
  function isNext(waiter: Waiter): boolean {
    waiter.missed = 0;
    // A slow waiter that was taken for dead gets its place back.
    if (!waiting.includes(waiter)) waiting.unshift(waiter);
    const head = waiting[0] as Waiter;
    if (head === waiter) return true;
    head.missed++;
    if (head.missed > POLLS_OF_THE_DEAD * waiting.length) waiting.shift();
    return false;
  }

  return {
    async acquire() {
      const waiter: Waiter = { missed: 0 };
      waiting.push(waiter);
      const startedAt = now();
      while (now() - startedAt < WAIT_MILLISECONDS) {
        const lease = isNext(waiter) ? take() : undefined;
        if (lease !== undefined) {
          waiting.shift();
          return lease;
        }
        await clock.sleep(POLL_MILLISECONDS);
      }
      const place = waiting.indexOf(waiter);
      if (place >= 0) waiting.splice(place, 1);
      throw new CacheError("uploads-busy", `no buffer within ${WAIT_MILLISECONDS} ms`);
    },
    tryAcquire: () => (waiting.length === 0 ? take() : undefined),
    touch(lease) {
      lease.usedAt = now();
    },
    release(lease) {
      if (!lent.delete(lease)) return;
      const { buffer } = lease;
      // A detached buffer is lost with its stream, so the pool may make a new one.
      if (buffer.byteLength === BUFFER_BYTES) free.push(buffer);
      else made--;
    },
  };
}
