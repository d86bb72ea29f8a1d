/** Time, as the worker sees it. Everything that waits or looks at a clock gets this; tests give another one. */
export interface Clock {
  now(): Date;
  /** Resolves after this time. On a timer, so that workerd does not take the request for hung. */
  sleep(milliseconds: number): Promise<void>;
}

export const platformClock: Clock = {
  now: () => new Date(),
  sleep: (milliseconds) => scheduler.wait(milliseconds),
};
