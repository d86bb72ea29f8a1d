import { type Clock, platformClock } from "../../src/worker/clock.ts";

/** Returns the platform's clock, with parts of it replaced. */
export function createClock(parts: Partial<Clock> = {}): Clock {
  return { ...platformClock, ...parts };
}
