import { createTeardown, type Teardown } from "./measure/teardown.ts";
import type { Section } from "./report/format-report.ts";

/**
 * Runs one benchmark and clears away what it has started. Never throws: a
 * benchmark that does, or that takes too long, is a section that failed.
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
  return { ...section, failure: `not all was cleared away: ${messageOf(thrown)}` };
}

/** What `work` comes to; throws if it takes longer, and leaves it to itself then. */
async function beforeDeadline<T>(work: Promise<T>, milliseconds: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    const tooLate = new Error(`it was not done after ${milliseconds / 1000} s`);
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
