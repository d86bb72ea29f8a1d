import { randomBytes } from "node:crypto";

/** Names that sort by the order in which they were given out, across restarts. */
export interface Sequence {
  /** 16 digits that grow, and a random tail: safe as a file name anywhere. */
  next(): string;
  /** Never again gives out a name that sorts before `name`. */
  observe(name: string): void;
}

const DIGITS = 16;

/** Microseconds of the clock, or one more than the last where it stands still. */
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
