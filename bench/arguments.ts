import { parseArgs } from "node:util";
import { err, ok, type Result } from "../src/result.ts";

/** All benchmarks, in the order in which they run. */
export const BENCHMARK_NAMES = [
  "startup",
  "requests",
  "downloads",
  "uploads",
  "direct-uploads",
  "load",
  "catalog",
  "client",
] as const;
export type BenchmarkName = (typeof BENCHMARK_NAMES)[number];

/** The parsed arguments of `npm run bench`. */
export interface BenchArguments {
  /** Whether to use fewer repetitions and a smaller closure; takes less than two minutes. */
  readonly isQuick: boolean;
  readonly only: readonly BenchmarkName[];
  readonly jsonFile: string;
}

export const USAGE = `Usage: npm run bench -- [--quick] [--only NAME]... [--json FILE]
  --quick      use fewer repetitions and a smaller closure; takes less than two minutes
  --only NAME  run only this benchmark; may be repeated. NAME is one of:
               ${BENCHMARK_NAMES.join(", ")}
  --json FILE  write the figures to FILE instead of .nargate/bench.json`;

/** Parses the arguments. The error is one line that names the wrong argument. */
export function parseBenchArguments(args: readonly string[]): Result<BenchArguments> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        json: { type: "string", default: ".nargate/bench.json" },
      },
    });
    const only: BenchmarkName[] = [];
    for (const text of values.only) {
      const name = BENCHMARK_NAMES.find((known) => known === text);
      if (name === undefined) {
        return err(`there is no benchmark ${text}; use one of: ${BENCHMARK_NAMES.join(", ")}`);
      }
      only.push(name);
    }
    return ok({
      isQuick: values.quick,
      only: only.length === 0 ? BENCHMARK_NAMES : [...new Set(only)],
      jsonFile: values.json,
    });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
