/** Time that passes only when `run` says so, for tests in which many things happen at once. */
export interface VirtualTime {
  now(): number;
  sleep(milliseconds: number): Promise<void>;
  /** Lets time pass until nothing sleeps any more, or until this time. */
  run(until: number): Promise<void>;
}

/** Ticks of the microtask queue between two moments. More than any chain of promises here takes. */
const TICKS = 60;

export function createVirtualTime(start: number): VirtualTime {
  let now = start;
  let sequence = 0;
  const sleepers: { readonly at: number; readonly order: number; wake(): void }[] = [];
  return {
    now: () => now,
    sleep: (milliseconds) =>
      new Promise((resolve) => {
        sleepers.push({ at: now + milliseconds, order: sequence++, wake: resolve });
      }),
    async run(until) {
      for (;;) {
        for (let tick = 0; tick < TICKS; tick++) await Promise.resolve();
        let next = 0;
        for (const [index, { at, order }] of sleepers.entries()) {
          const first = sleepers[next];
          if (first === undefined) break;
          if (at < first.at || (at === first.at && order < first.order)) next = index;
        }
        const sleeper = sleepers[next];
        if (sleeper === undefined || sleeper.at > until) return;
        sleepers.splice(next, 1);
        now = Math.max(now, sleeper.at);
        sleeper.wake();
      }
    },
  };
}

/** Returns numbers from 0 to 1 that follow from a seed (mulberry32). */
export function createRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) / 4294967296;
  };
}
