import { availableParallelism } from "node:os";
import { createSpoolMemory, type SpoolMemory } from "./spool.ts";

/** The limits on the work of one push. */
export interface PushLimits {
  readonly memory: SpoolMemory;
  /** The memory of small NARs that go with their narinfos, and wait for references. */
  readonly waitingNars: SpoolMemory;
  /** Paths that are dumped and compressed at once. This is the work of processors. */
  readonly packing: Semaphore;
  /** Narinfo lookups, and small paths in progress. They mostly wait for answers. */
  readonly requests: Semaphore;
  /** Narinfo uploads. They have a limit of their own; otherwise each would wait behind all NARs. */
  readonly publishing: Semaphore;
  /** Large paths in progress. Their NARs may not fit into memory and then are on the disk. */
  readonly large: Semaphore;
  /** Parts of large NARs that are sent at once, over all uploads. */
  readonly parts: Semaphore;
}

const MEMORY_BYTES = 128 * 1024 * 1024;
const WAITING_BYTES = 16 * 1024 * 1024;
const REQUESTS_AT_ONCE = 32;
const NARINFOS_AT_ONCE = 16;
const LARGE_AT_ONCE = 4;
const PARTS_AT_ONCE = 8;

export function createPushLimits(): PushLimits {
  return {
    memory: createSpoolMemory(MEMORY_BYTES),
    waitingNars: createSpoolMemory(WAITING_BYTES),
    packing: createSemaphore(Math.min(availableParallelism() * 2, 8)),
    requests: createSemaphore(REQUESTS_AT_ONCE),
    publishing: createSemaphore(NARINFOS_AT_ONCE),
    large: createSemaphore(LARGE_AT_ONCE),
    parts: createSemaphore(PARTS_AT_ONCE),
  };
}

/** Runs a limited number of tasks at once, in the order of their calls. */
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
        // The place goes directly to the next waiting task, so that no later task takes it.
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}
