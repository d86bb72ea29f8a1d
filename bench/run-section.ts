import { createTeardown, type Teardown } from "./measure/teardown.ts";
import type { Section } from "./report/format-report.ts";

/**
 * Runs one benchmark, and then stops everything that it has started. Never throws: if
 * the benchmark throws or takes too long, returns a section with a failure.
 */
export async function runSection(
  benchmark: string,
  run: (teardown: Teardown) => Promise<Section>,
  deadlineMilliseconds: number,
): Promise<Section> {
  const teardown = createTeardown();
  let section: Section;
  try {
    section = await beforeDeadline(run(teardown), deadlineMilliseconds);
  } catch (error) {
    section = { benchmark, figures: [], skipped: [], failure: messageOf(error) };
  }
  const [thrown] = await teardown.run();
  if (thrown === undefined || section.failure !== undefined) return section;
  return { ...section, failure: `could not clean up everything: ${messageOf(thrown)}` };
}

/**
 * Returns the result of `work`. Throws if it takes longer than `milliseconds`; the work
 * then goes on, and its result is ignored.
 */
async function beforeDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const tooLate = new Error(`the benchmark was not done after ${milliseconds / 1000} s`);
    timer = setTimeout(() => reject(tooLate), milliseconds);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
