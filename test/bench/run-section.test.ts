import { describe, expect, it } from "vitest";
import type { Section } from "../../bench/report/format-report.ts";
import { runSection } from "../../bench/run-section.ts";

const SECTION: Section = { benchmark: "uploads", figures: [], skipped: ["nginx"] };

describe("runSection", () => {
  it("gives what the benchmark found, once all is cleared away", async () => {
    let isUndone = false;
    const section = await runSection(
      "uploads",
      async (teardown) => {
        teardown.add(() => {
          isUndone = true;
        });
        return SECTION;
      },
      1000,
    );
    expect(section).toEqual(SECTION);
    expect(isUndone).toBe(true);
  });

  it.each([
    {
      what: "throws",
      run: async () => await Promise.reject<Section>(new Error("answered 503")),
      failure: "answered 503",
    },
    {
      what: "hangs",
      run: async () => await new Promise<Section>(() => {}),
      failure: "the benchmark was not done after 0.02 s",
    },
  ])("fails a benchmark that $what, and clears away what it started", async ({ run, failure }) => {
    let isUndone = false;
    const section = await runSection(
      "uploads",
      async (teardown) => {
        teardown.add(() => {
          isUndone = true;
        });
        return await run();
      },
      20,
    );
    expect(section).toEqual({ benchmark: "uploads", figures: [], skipped: [], failure });
    expect(isUndone).toBe(true);
  });

  it("fails what cannot be cleared away", async () => {
    const section = await runSection(
      "uploads",
      async (teardown) => {
        teardown.add(async () => await Promise.reject(new Error("it does not stop")));
        return SECTION;
      },
      1000,
    );
    expect(section.failure).toBe("could not clean up everything: it does not stop");
  });

  it("tells the first failure, not that of clearing away after it", async () => {
    const section = await runSection(
      "uploads",
      async (teardown) => {
        teardown.add(async () => await Promise.reject(new Error("it does not stop")));
        throw new Error("answered 503");
      },
      1000,
    );
    expect(section.failure).toBe("answered 503");
  });
});
