import { parseArgs } from "node:util";
import { err, ok, type Result } from "../src/result.ts";

/** Every benchmark, in the order in which they run. */
export const BENCHMARK_NAMES = [
  "startup",
  "requests",
  "downloads",
  "uploads",
  "direct-uploads",
  "client",
] as const;
export type BenchmarkName = (typeof BENCHMARK_NAMES)[number];

export interface BenchArguments {
  /** Fewer repetitions and a smaller closure: less than two minutes. */
  readonly isQuick: boolean;
  readonly only: readonly BenchmarkName[];
  readonly jsonFile: string;
}

export const USAGE = `npm run bench -- [--quick] [--only NAME]... [--json FILE]
  --quick      fewer repetitions and a smaller closure, in less than two minutes
  --only NAME  one of: ${BENCHMARK_NAMES.join(", ")}
  --json FILE  where the figures go; .nargate/bench.json by default`;

/** The error says what is wrong, in a line. */
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
        return err(`there is no benchmark ${text}; there are ${BENCHMARK_NAMES.join(", ")}`);
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
