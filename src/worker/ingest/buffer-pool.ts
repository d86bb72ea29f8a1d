import { CacheError } from "../cache-error.ts";
import type { Clock } from "../clock.ts";

/**
 * The memory of all uploads of this isolate together (law 7): six buffers of
 * 8 MiB, 48 of an isolate's 128 MiB, whatever the number of uploads.
 *
 * 8 MiB is above S3's smallest part (5 MiB) and lets 10,000 parts carry 80 GB.
 */
export const BUFFER_BYTES = 8 * 1024 * 1024;
const BUFFER_COUNT = 6;

// Often enough that a freed buffer does not idle, rarely enough to cost nothing.
const POLL_MILLISECONDS = 20;

// A second, by the polls of another waiter: one that lives would have looked too.
const POLLS_OF_THE_DEAD = 50;

const WAIT_MILLISECONDS = 240_000;

// No buffer is between two reads for so long: a client sends 8 MiB in it at 10
// KB/s, and the retries of a part take less than two minutes.
const LEASE_MILLISECONDS = 15 * 60 * 1000;

/**
 * A buffer on loan. A BYOB read takes the buffer away and gives another object
 * for the same memory back, so whoever reads puts that one in its place; a read
 * that fails leaves it detached.
 */
export interface Lease {
  buffer: ArrayBuffer;
  /** Time of the last read into the buffer, in milliseconds; see `BufferPool.touch`. */
  usedAt: number;
}

export interface BufferPool {
  /**
   * A buffer, once there is one. The waiter keeps a timer of its own: workerd
   * takes a request that waits for nothing but another request's promise for
   * hung, and cancels it. Throws `uploads-busy` before Nix would give up (300 s).
   */
  acquire(): Promise<Lease>;
  /** A buffer if one is free now. An upload that holds one must not wait for a second. */
  tryAcquire(): Lease | undefined;
  /** Notes that an upload reads into the buffer now, so that the pool does not take its request for dead. */
  touch(lease: Lease): void;
  release(lease: Lease): void;
}

interface Waiter {
  /** How often others have looked since this one did. */
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

  /** A request that the platform ends in the middle runs no clean-up: its buffers are its loss. */
  function forgetTheDead(): void {
    for (const lease of lent) {
      if (now() - lease.usedAt < LEASE_MILLISECONDS) continue;
      lent.delete(lease);
      made--;
    }
  }

  /**
   * Whether it is this waiter's turn. A request that is cancelled while it waits
   * never looks again and says nothing; those behind it must not wait for it.
   */
  function isNext(waiter: Waiter): boolean {
    waiter.missed = 0;
    // Not there if it was slow and taken for dead.
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
      // A detached one is gone with its stream; another may be made for it.
      if (buffer.byteLength === BUFFER_BYTES) free.push(buffer);
      else made--;
    },
  };
}
