/** Measures how fast a number has grown recently. */
export interface RateWindow {
  /** Adds a sample. Times are in milliseconds and never decrease. */
  add(time: number, value: number): void;
  /** Returns the growth per second. Undefined until the samples cover one second. */
  perSecond(time: number): number | undefined;
}

const WINDOW_MILLISECONDS = 15_000;
const SAMPLE_MILLISECONDS = 250;
const LEAST_MILLISECONDS = 1_000;

/**
 * Measures over the last 15 seconds: long enough for a steady number, short enough
 * to follow a change.
 */
export function createRateWindow(): RateWindow {
  const samples: { readonly time: number; value: number }[] = [];

  function forgetOld(time: number): void {
    // Keeps the newest sample that is too old, because the window begins with it.
    while ((samples[1]?.time ?? Infinity) <= time - WINDOW_MILLISECONDS) samples.shift();
  }

  return {
    add(time, value) {
      const last = samples.at(-1);
      if (last !== undefined && samples.length > 1 && time - last.time < SAMPLE_MILLISECONDS) {
        last.value = value;
      } else {
        samples.push({ time, value });
      }
      forgetOld(time);
    },
    perSecond(time) {
      forgetOld(time);
      const [first] = samples;
      const last = samples.at(-1);
      if (first === undefined || last === undefined || time - first.time < LEAST_MILLISECONDS) {
        return undefined;
      }
      return (Math.max(0, last.value - first.value) / (time - first.time)) * 1000;
    },
  };
}
