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
