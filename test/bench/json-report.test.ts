import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { prepareJsonFile, writeJsonReport } from "../../bench/report/json-report.ts";

let directory = "";
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "nargate-bench-test-"));
});
afterAll(async () => await rm(directory, { recursive: true }));

describe("prepareJsonFile", () => {
  it("makes the directories for it", async () => {
    const file = path.join(directory, "new/bench.json");
    expect(await prepareJsonFile(file)).toEqual({ ok: true, value: undefined });
  });

  it("says which file cannot be written, and why", async () => {
    const prepared = await prepareJsonFile(directory);
    expect(prepared.ok ? "" : prepared.error).toMatch(
      `--json ${directory} cannot be written: EISDIR`,
    );
  });
});

describe("writeJsonReport", () => {
  it("writes the setting, the count and every section", async () => {
    const file = path.join(directory, "bench.json");
    const sections = [{ benchmark: "uploads", figures: [], skipped: [], failure: "503" }];
    const machine = { workerd: "2026-10-23" };
    const report = { date: "2026-11-22", isQuick: true, machine, sections };
    await writeJsonReport(file, report);
    const written: unknown = JSON.parse(await readFile(file, "utf8"));
    expect(written).toEqual({ ...report, passed: 0, failed: 1 });
  });
});
