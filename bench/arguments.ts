import { parseArgs } from "node:util";
import { err, ok, type Result } from "../src/result.ts";
import { parsePeerFlags, PEER_NAMES, type PeerFlags } from "./subjects/find-peers.ts";

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
  "peers",
] as const;
export type BenchmarkName = (typeof BENCHMARK_NAMES)[number];

/** The benchmarks that run unless a flag names the peers, which take three quarters of an hour. */
const USUAL_NAMES = BENCHMARK_NAMES.filter((name) => name !== "peers");

const LATENCIES_MILLISECONDS = [0, 50] as const;

/** The parsed arguments of `npm run bench`. */
export interface BenchArguments {
  /** Whether to use fewer repetitions and a smaller closure; takes less than two minutes. */
  readonly isQuick: boolean;
  readonly only: readonly BenchmarkName[];
  readonly jsonFile: string;
  /** Where the programs of the peers are. They are looked for on PATH otherwise. */
  readonly peers: PeerFlags;
  /** The round trips to the bucket for the benchmark `peers`, in milliseconds. */
  readonly latencies: readonly number[];
}

export const USAGE = `Usage: npm run bench -- [--quick] [--only NAME]... [--json FILE]
                           [--peer NAME=PATH]... [--latency MS]...
  --quick      use fewer repetitions and a smaller closure; takes less than two minutes
  --only NAME  run only this benchmark; may be repeated. NAME is one of:
               ${BENCHMARK_NAMES.join(", ")}.
               peers runs only if --only or --peer asks for it
  --json FILE  write the figures to FILE instead of .nargate/bench.json
  --peer NAME=PATH
               look for the programs of a peer in this directory, or beside this program,
               instead of on PATH; may be repeated. NAME is one of:
               ${PEER_NAMES.join(", ")}
  --latency MS for the benchmark peers: a round trip to the bucket of so many milliseconds;
               may be repeated (default: ${LATENCIES_MILLISECONDS.join(" and ")})`;

/** Parses the arguments. The error is one line that names the wrong argument. */
export function parseBenchArguments(args: readonly string[]): Result<BenchArguments> {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: "boolean", default: false },
        only: { type: "string", multiple: true, default: [] },
        json: { type: "string", default: ".nargate/bench.json" },
        peer: { type: "string", multiple: true, default: [] },
        latency: { type: "string", multiple: true, default: [] },
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
    const peers = parsePeerFlags(values.peer);
    if (!peers.ok) return peers;
    const wrong = values.latency.find((text) => !/^\d{1,4}$/.test(text));
    if (wrong !== undefined) return err(`--latency ${wrong} is not a number of milliseconds`);
    const asksForPeers = values.peer.length > 0 && !values.quick;
    const byDefault = asksForPeers ? BENCHMARK_NAMES : USUAL_NAMES;
    return ok({
      isQuick: values.quick,
      only: only.length === 0 ? byDefault : [...new Set(only)],
      jsonFile: values.json,
      peers: peers.value,
      latencies: values.latency.length === 0 ? LATENCIES_MILLISECONDS : values.latency.map(Number),
    });
  } catch (error) {
    return err(error instanceof Error ? error.message : String(error));
  }
}
