import { beforeDeadline } from "./measure/before-deadline.ts";
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
