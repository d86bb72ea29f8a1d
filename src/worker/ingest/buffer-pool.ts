import { CacheError } from "../cache-error.ts";
import type { Clock } from "../clock.ts";

/** How many buffers a pool has, how large they are, and how many of them one token may hold. */
export interface PoolSize {
  readonly bytes: number;
  readonly count: number;
  /** Less than `count`, so that the slow uploads of one token never stop those of another. */
  readonly share: number;
  /** After this time without a `touch`, the pool takes a loan for that of a dead request. */
  readonly leaseMilliseconds?: number;
}

/**
 * Buffers for parts. All uploads of an isolate share six (law 7): 48 MiB of the
 * isolate's 128 MiB, whatever the number of uploads.
 *
 * 8 MiB is more than S3's smallest part (5 MiB), and 10,000 such parts hold 80 GB.
 */
export const PART_BUFFERS: PoolSize = { bytes: 8 * 1024 * 1024, count: 6, share: 4 };

/**
 * Buffers for the first bytes of a body. An upload takes a buffer for parts only
 * when these have arrived, so a client that sends nothing, or very slowly, holds
 * none. 8 MiB in all. A body that fits needs no other buffer.
 */
export const FIRST_BUFFERS: PoolSize = { bytes: 256 * 1024, count: 32, share: 24 };

/**
 * Places for NARs that are unpacked (see `contents/engine.ts`). The memory of one is at
 * most 9 MiB: the window of zstd, and what has been read. Its buffer is not used.
 */
export const PROOF_PLACES: PoolSize = {
  bytes: 1,
  count: 3,
  share: 2,
  // A proof touches its place with every piece, and its stalls end after 20 s.
  leaseMilliseconds: 120_000,
};

/** The buffers that all uploads of an isolate share. */
export interface UploadBuffers {
  readonly first: BufferPool;
  readonly parts: BufferPool;
  readonly proofs: BufferPool;
}

export function createUploadBuffers(clock: Clock): UploadBuffers {
  return {
    first: createBufferPool(clock, FIRST_BUFFERS),
    parts: createBufferPool(clock, PART_BUFFERS),
    proofs: createBufferPool(clock, PROOF_PLACES),
  };
}

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
  /** Notes that the upload uses the buffer now. Otherwise the pool takes its request for dead. */
  touch(): void;
  /** Gives the buffer back. A second call does nothing. */
  release(): void;
}

export interface BufferPool {
  /**
   * Waits for a buffer, on a timer: workerd takes a request that waits only for
   * another request's promise for hung, and cancels it. Throws `uploads-busy`
   * after 240 s, before Nix gives up (300 s). `owner` is the name of the token.
   */
  acquire(owner: string): Promise<Lease>;
  /** Returns a buffer if one is free now. An upload that has one must not wait for a second. */
  tryAcquire(owner: string): Lease | undefined;
}

interface Loan {
  readonly owner: string;
  /** Time of the last read into the buffer, in milliseconds. */
  usedAt: number;
}

interface Waiter {
  readonly owner: string;
  /** The number of polls by other waiters since this waiter polled. */
  missed: number;
}

export function createBufferPool(
  clock: Clock,
  { bytes, count, share, leaseMilliseconds = LEASE_MILLISECONDS }: PoolSize,
): BufferPool {
  const now = () => clock.now().getTime();
  const free: ArrayBuffer[] = [];
  const lent = new Map<Lease, Loan>();
  const waiting: Waiter[] = [];
  let made = 0;

  function take(owner: string): Lease | undefined {
    if (isUsedUp(owner)) forgetTheDead();
    if (isUsedUp(owner)) return undefined;
    const loan = { owner, usedAt: now() };
    const lease: Lease = {
      buffer: free.pop() ?? makeBuffer(),
      touch() {
        loan.usedAt = now();
      },
      release() {
        if (!lent.delete(lease)) return;
        // A detached buffer is lost with its stream, so the pool may make a new one.
        if (lease.buffer.byteLength === bytes) free.push(lease.buffer);
        else made--;
      },
    };
    lent.set(lease, loan);
    return lease;
  }

  function makeBuffer(): ArrayBuffer {
    made++;
    return new ArrayBuffer(bytes);
  }

  const isUsedUp = (owner: string) => (free.length === 0 && made === count) || hasShare(owner);

  function hasShare(owner: string): boolean {
    let held = 0;
    for (const loan of lent.values()) if (loan.owner === owner) held++;
    return held >= share;
  }

  /** Gives up the buffers of dead requests. A request that the platform ends runs no clean-up. */
  function forgetTheDead(): void {
    for (const [lease, { usedAt }] of lent) {
      if (now() - usedAt < leaseMilliseconds) continue;
      lent.delete(lease);
      made--;
    }
  }

  /**
   * Whether it is this waiter's turn. Waiters whose token has its share already are
   * passed over. A request that is cancelled while it waits
   * never polls again and cannot say so. The waiters behind it must not wait for
   * it, so it loses its place after a second.
   */
  function isNext(waiter: Waiter): boolean {
    waiter.missed = 0;
    // A slow waiter that was taken for dead gets its place back.
    if (!waiting.includes(waiter)) waiting.unshift(waiter);
    const head = waiting.find(({ owner }) => !hasShare(owner));
    // If every waiter's token has its share, only a dead request's buffer can help.
    if (head === undefined || head === waiter) return true;
    head.missed++;
    if (head.missed > POLLS_OF_THE_DEAD * waiting.length) remove(head);
    return false;
  }

  function remove(waiter: Waiter): void {
    const place = waiting.indexOf(waiter);
    if (place >= 0) waiting.splice(place, 1);
  }

  return {
    async acquire(owner) {
      const waiter: Waiter = { owner, missed: 0 };
      waiting.push(waiter);
      const startedAt = now();
      while (now() - startedAt < WAIT_MILLISECONDS) {
        const lease = isNext(waiter) ? take(owner) : undefined;
        if (lease !== undefined) {
          remove(waiter);
          return lease;
        }
        await clock.sleep(POLL_MILLISECONDS);
      }
      remove(waiter);
      throw new CacheError("uploads-busy", `no buffer within ${WAIT_MILLISECONDS} ms`);
    },
    tryAcquire: (owner) =>
      waiting.every((waiter) => hasShare(waiter.owner)) ? take(owner) : undefined,
  };
}
