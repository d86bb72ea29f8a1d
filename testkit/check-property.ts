import * as fc from "fast-check";
import { inject } from "vitest";
import type { FuzzSettings } from "./node/fuzz-settings.ts";

const settings = (): FuzzSettings => ({
  fuzzSeconds: inject("fuzzSeconds"),
  fuzzSeed: inject("fuzzSeed"),
});

/** The time limit of a test with one property, in milliseconds. */
export const propertyTimeout = (): number => 120_000 + settings().fuzzSeconds * 1000;

/**
 * Runs a property `numRuns` times, or as long as `npm run fuzz` asks for; then it also
 * says how many inputs it took. A failure names its seed.
 */
export async function checkProperty(
  name: string,
  property: fc.IAsyncProperty<never> | fc.IProperty<never>,
  numRuns: number,
): Promise<void> {
  const { fuzzSeconds: seconds, fuzzSeed: seed } = settings();
  const limits =
    seconds === 0
      ? { numRuns }
      : {
          numRuns: Number.MAX_SAFE_INTEGER,
          interruptAfterTimeLimit: seconds * 1000,
          markInterruptAsFailure: false,
        };
  const details = await fc.check(property as fc.IAsyncProperty<unknown[]>, {
    ...limits,
    ...(seed === undefined ? {} : { seed }),
  });
  if (details.failed) throw new Error(await fc.asyncDefaultReportMessage(details));
  // oxlint-disable-next-line no-console -- for the person who runs `npm run fuzz`
  if (seconds > 0) console.log(`${name}: ${details.numRuns} inputs`);
}
