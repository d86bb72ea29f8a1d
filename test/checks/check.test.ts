import { describe, expect, it } from "vitest";
import { type Check, known, NotSeen, runChecks, skipChecks } from "../../src/checks/check.ts";

const says =
  (text: string): Check<string>["observe"] =>
  async () =>
    text;
const run = (checks: readonly Check<string>[], signal = new AbortController().signal) =>
  runChecks(checks, "the subject", signal, (error) => (error as Error).message);

const throwing = (error: Error): Check<string> => ({
  check: "x",
  expected: known("S3", "200"),
  observe: async () => {
    throw error;
  },
});

describe("runChecks", () => {
  it.each([
    { seen: "404", verdict: "ok" },
    { seen: "404, max-age=10", verdict: "ok" },
    { seen: "4040", verdict: "FAIL" },
    { seen: "40", verdict: "FAIL" },
  ])("compares whole words: $seen is $verdict where 404 is expected", async ({ seen, verdict }) => {
    const [finding] = await run([
      { check: "x", expected: known("HTTP", "404"), observe: says(seen) },
    ]);
    expect(finding).toMatchObject({ check: "x", verdict, says: seen });
  });

  it("reports an observation without an expectation as unknown", async () => {
    expect(await run([{ check: "x", observe: says("200") }])).toMatchObject([
      { verdict: "unknown", says: "200" },
    ]);
  });

  it("takes an error for no observation, and not for a failure", async () => {
    expect(
      await run([
        throwing(new Error("reset")),
        throwing(new NotSeen("no path", { verdict: "skipped", remedy: "Give --path." })),
      ]),
    ).toMatchObject([
      { verdict: "unknown", says: "reset" },
      { verdict: "skipped", says: "no path", remedy: "Give --path." },
    ]);
  });

  it("ends at the signal, and drops the result of the check that it stopped", async () => {
    const controller = new AbortController();
    const stopping: Check<string> = {
      check: "second",
      observe: async () => {
        controller.abort();
        return "aborted";
      },
    };
    const findings = await run(
      [{ check: "first", observe: says("x") }, stopping, { check: "third", observe: says("x") }],
      controller.signal,
    );
    expect(findings.map(({ check }) => check)).toEqual(["first"]);
  });
});

describe("skipChecks", () => {
  it("gives every check the reason", () => {
    const expected = known("B2", "200");
    expect(skipChecks([{ check: "x", expected, observe: says("x") }], "no cache")).toEqual([
      { check: "x", verdict: "skipped", says: "no cache", expected },
    ]);
  });
});
