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

/**
 * A buffer on loan. A BYOB read takes the buffer away and gives another object
 * for the same memory back, so whoever reads puts that one in its place; a read
 * that fails leaves it detached.
 */
export interface Lease {
  buffer: ArrayBuffer;
}

export interface BufferPool {
  /**
   * A buffer, once there is one. The waiter keeps a timer of its own: workerd
   * takes a request that waits for nothing but another request's promise for
   * hung, and cancels it.
   */
  acquire(): Promise<Lease>;
  /** A buffer if one is free now. An upload that holds one must not wait for a second. */
  tryAcquire(): Lease | undefined;
  release(lease: Lease): void;
}

export function createBufferPool(
  sleep: (milliseconds: number) => Promise<void>,
  count = BUFFER_COUNT,
): BufferPool {
  const free: ArrayBuffer[] = [];
  let made = 0;
  let nextTicket = 0;
  let servedTicket = 0;

  function take(): Lease | undefined {
    const buffer = free.pop();
    if (buffer !== undefined) return { buffer };
    if (made === count) return undefined;
    made++;
    return { buffer: new ArrayBuffer(BUFFER_BYTES) };
  }

  return {
    async acquire() {
      const ticket = nextTicket++;
      for (;;) {
        const lease = ticket === servedTicket ? take() : undefined;
        if (lease !== undefined) {
          servedTicket++;
          return lease;
        }
        await sleep(POLL_MILLISECONDS);
      }
    },
    tryAcquire: () => (nextTicket === servedTicket ? take() : undefined),
    release({ buffer }) {
      // A detached one is gone with its stream; another may be made for it.
      if (buffer.byteLength === BUFFER_BYTES) free.push(buffer);
      else made--;
    },
  };
}
