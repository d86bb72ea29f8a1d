import { availableParallelism } from "node:os";
import { createSpoolMemory, type SpoolMemory } from "./spool.ts";

export interface PushLimits {
  readonly memory: SpoolMemory;
  /** Dumping and compressing: the work of processors. */
  readonly packing: Semaphore;
  /** Narinfos asked for, and small paths on their way: mostly waiting for answers. */
  readonly requests: Semaphore;
  /** Narinfos on their way; apart, since they would stand in line behind all paths. */
  readonly publishing: Semaphore;
  /** NARs that may not fit into memory and so lie on the disk. */
  readonly large: Semaphore;
  readonly parts: Semaphore;
}

const MEMORY_BYTES = 128 * 1024 * 1024;
const REQUESTS_AT_ONCE = 32;
const NARINFOS_AT_ONCE = 16;
const LARGE_AT_ONCE = 4;
const PARTS_AT_ONCE = 8;

export function createPushLimits(): PushLimits {
  return {
    memory: createSpoolMemory(MEMORY_BYTES),
    packing: createSemaphore(Math.min(availableParallelism() * 2, 8)),
    requests: createSemaphore(REQUESTS_AT_ONCE),
    publishing: createSemaphore(NARINFOS_AT_ONCE),
    large: createSemaphore(LARGE_AT_ONCE),
    parts: createSemaphore(PARTS_AT_ONCE),
  };
}

/** Lets so many at a time through, in the order in which they came. */
export interface Semaphore {
  run<T>(task: () => Promise<T>): Promise<T>;
}

export function createSemaphore(count: number): Semaphore {
  const waiting: (() => void)[] = [];
  let free = count;
  return {
    async run(task) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        return await task();
      } finally {
        // The place goes to the next one directly, so that no newcomer takes it.
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
