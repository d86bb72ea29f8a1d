import { mkdir, open, writeFile } from "node:fs/promises";
import path from "node:path";
import { err, ok, type Result } from "../../src/result.ts";
import { type Section, type BenchSetting, countVerdicts } from "./format-report.ts";

/** The whole report, as written to the JSON file. */
export interface JsonReport extends BenchSetting {
  readonly date: string;
  readonly sections: readonly Section[];
}

/** Checks that the file can be written, before the benchmarks run for minutes. */
export async function prepareJsonFile(file: string): Promise<Result<undefined>> {
  try {
    await mkdir(path.dirname(path.resolve(file)), { recursive: true });
    await (await open(file, "a")).close();
    return ok(undefined);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return err(`--json ${file} cannot be written: ${why}`);
  }
}

/** Writes the report, with the counts of the verdicts. Replaces the file. */
export async function writeJsonReport(file: string, report: JsonReport): Promise<void> {
  const { sections, ...rest } = report;
  const text = JSON.stringify({ ...rest, ...countVerdicts(sections), sections }, undefined, 2);
  await writeFile(file, `${text}\n`);
}
