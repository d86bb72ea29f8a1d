import { createRandom, createVirtualTime, type VirtualTime } from "./virtual-time.ts";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Time and chance of one simulated world. Both follow from its seed. */
export interface WorldDice {
  readonly time: VirtualTime;
  between(low: number, high: number): number;
  chance(share: number): boolean;
  pick<T>(items: readonly T[]): T;
  /** Writes a line of the trace. */
  say(line: string): void;
  /** Returns the time as the trace writes it. */
  clock(): string;
}

export function createDice(seed: number, trace: ((line: string) => void) | undefined): WorldDice {
  const random = createRandom(seed);
  const time = createVirtualTime(1_800_000_000_000);
  const begin = time.now();
  const clock = () => `${((time.now() - begin) / HOUR).toFixed(4)} h`;
  return {
    time,
    between: (low, high) => low + random() * (high - low),
    chance: (share) => random() < share,
    pick: <T>(items: readonly T[]) => items[Math.floor(random() * items.length)] as T,
    say: (line) => trace?.(`${clock()} ${line}`),
    clock,
  };
}
