import { describe, expect, it } from "vitest";
import type { Finding } from "../../src/checks/finding.ts";
import { exitCodeOf, formatReportJson } from "../../src/checks/report.ts";
import { formatReport } from "../../src/checks/format-report.ts";

const OK: Finding = { check: "reachable", verdict: "ok", says: "answers in 5 ms" };
const FAILED: Finding = {
  check: "a narinfo that does not exist, asked for a second time",
  verdict: "FAIL",
  says: "404, max-age=14400 of a rule that somebody has added to the zone for everything in it",
  expected: { basis: "Nargate", text: "404, max-age=10" },
  remedy: `Delete the rule, or leave this host out of it: ${"word ".repeat(30)}`.trim(),
};
const SKIPPED: Finding = { check: "edge", verdict: "skipped", says: "no path was given" };
const SUBJECT = "https://cache.example.org";

describe("formatReport", () => {
  it("prints a line for a check, and below it what was expected and what to do", () => {
    expect(formatReport({ subject: SUBJECT, findings: [OK, { ...FAILED, remedy: "Mend it." }] }))
      .toBe(`https://cache.example.org

ok       reachable             answers in 5 ms
FAIL     a narinfo that does not exist, asked for a second time
           404, max-age=14400 of a rule that somebody has added to the zone for
           everything in it
           expected (Nargate): 404, max-age=10
         → Mend it.

1 ok, 1 FAIL.
`);
  });

  it("stays within 80 columns, and breaks no word", () => {
    const url = `https://cache.example.org/${"x".repeat(100)}`;
    const findings = [OK, FAILED, SKIPPED, { ...OK, says: `${"word ".repeat(40)}${url}` }];
    const notes = ["note ".repeat(60)];
    const lines = formatReport({ subject: SUBJECT, findings, notes }).split("\n");
    expect(lines.filter((line) => line.length > 80 && line.trim() !== url)).toEqual([]);
    expect(lines.map((line) => line.trim())).toContain(url);
  });

  it("shows one remedy for checks in a row that share it", () => {
    const findings = [FAILED, { ...FAILED, check: "the next" }];
    const text = formatReport({ subject: SUBJECT, findings });
    expect(text.match(/→/g)).toHaveLength(1);
  });

  it("colours the verdicts for a terminal only", () => {
    expect(formatReport({ subject: SUBJECT, findings: [OK] }, true)).toContain("\u001B[32mok");
    expect(formatReport({ subject: SUBJECT, findings: [OK] })).not.toContain("\u001B");
  });

  it("names the objects that were left behind, and says that it was interrupted", () => {
    const report = { subject: SUBJECT, findings: [OK], leftovers: ["a/b"], isInterrupted: true };
    const text = formatReport(report);
    expect(text).toContain("COULD NOT DELETE");
    expect(text).toContain("\n  a/b\n");
    expect(text).toContain("Interrupted");
  });
});

describe("formatReportJson", () => {
  it("gives a program the same fields, and leaves out those that are absent", () => {
    const report = {
      subject: SUBJECT,
      findings: [OK, { ...FAILED, says: "404", remedy: "Mend it." }],
    };
    expect(JSON.parse(formatReportJson(report))).toEqual({
      subject: SUBJECT,
      checks: [
        OK,
        {
          check: FAILED.check,
          verdict: "FAIL",
          says: "404",
          expected: "404, max-age=10",
          knownFrom: "Nargate",
          remedy: "Mend it.",
        },
      ],
    });
  });
});

describe("exitCodeOf", () => {
  it.each([
    { what: "nothing that fails", report: { findings: [OK, SKIPPED] }, code: 0 },
    { what: "a failure", report: { findings: [OK, FAILED] }, code: 1 },
    {
      what: "an object that was left behind",
      report: { findings: [OK], leftovers: ["x"] },
      code: 1,
    },
    { what: "Ctrl-C", report: { findings: [FAILED], isInterrupted: true }, code: 130 },
  ])("is $code for $what", ({ report, code }) => {
    expect(exitCodeOf({ subject: SUBJECT, ...report })).toBe(code);
  });
});
