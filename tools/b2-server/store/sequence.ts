import { randomBytes } from "node:crypto";

/** Creates names that sort in the order of their creation, also across restarts. */
export interface Sequence {
  /** Returns 16 digits that only increase, and a random suffix. The name is a safe file name. */
  next(): string;
  /** Makes every later name sort after `name`. */
  observe(name: string): void;
}

const DIGITS = 16;

/**
 * Creates a sequence from the clock in microseconds. If the clock does not
 * advance, the next number is one more than the last.
 */
export function createSequence(now: () => Date): Sequence {
  let last = 0;
  return {
    next() {
      last = Math.max(last + 1, now().getTime() * 1000);
      return `${String(last).padStart(DIGITS, "0")}-${randomBytes(4).toString("hex")}`;
    },
    observe(name) {
      const number = Number(name.slice(0, DIGITS));
      if (Number.isSafeInteger(number)) last = Math.max(last, number);
    },
  };
}
