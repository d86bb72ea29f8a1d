/**
 * `npm run bench`: measures the gateway, and compares it with programs that do the
 * same work without it. See docs/performance.md. The exit code is 0 if every target is
 * met, 1 if a target is missed or a benchmark fails, and 2 if it cannot run.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type BenchArguments,
  type BenchmarkName,
  parseBenchArguments,
  USAGE,
} from "./arguments.ts";
import type { BenchContext } from "./benchmarks/bench-context.ts";
import { benchCatalog } from "./benchmarks/catalog.ts";
import { benchClient } from "./benchmarks/client.ts";
import { benchDirectUploads } from "./benchmarks/direct-uploads.ts";
import { benchDownloads } from "./benchmarks/downloads.ts";
import { benchLoad } from "./benchmarks/load.ts";
import { benchPeers } from "./benchmarks/peers.ts";
import { benchRequests } from "./benchmarks/requests.ts";
import { benchStartup } from "./benchmarks/startup.ts";
import { benchUploads } from "./benchmarks/uploads.ts";
import { hasProcessUsage } from "./measure/process-usage.ts";
import { describeMachine } from "./report/describe-machine.ts";
import {
  exitCodeOf,
  formatHeader,
  formatSection,
  formatSummary,
  type Section,
} from "./report/format-report.ts";
import { prepareJsonFile, writeJsonReport } from "./report/json-report.ts";
import { runSection } from "./run-section.ts";
import { type FoundPeers, findPeers } from "./subjects/find-peers.ts";
import { buildDeployedWorker, readCompatibilityDate } from "./subjects/build-worker.ts";

const BENCHMARKS: Record<BenchmarkName, (context: BenchContext) => Promise<Section>> = {
  startup: benchStartup,
  requests: benchRequests,
  downloads: benchDownloads,
  uploads: benchUploads,
  "direct-uploads": benchDirectUploads,
  load: benchLoad,
  catalog: benchCatalog,
  client: benchClient,
  peers: benchPeers,
};

// Some three times the duration of the longest benchmark, which is peers. A benchmark
// that is not done after this time hangs.
const DEADLINE_MILLISECONDS = { quick: 240_000, full: 7_200_000 } as const;

async function run(
  { isQuick, only, jsonFile, latencies }: BenchArguments,
  peers: FoundPeers,
): Promise<number> {
  const setting = { isQuick, machine: describeMachine() };
  const date = new Date().toISOString();
  const directory = makeTemporaryDirectory();
  const deployedWorker = await buildDeployedWorker(path.join(directory, "deployed"));
  const compatibilityDate = await readCompatibilityDate();
  write(formatHeader(setting));
  const deadline = DEADLINE_MILLISECONDS[isQuick ? "quick" : "full"];
  const sections: Section[] = [];
  for (const name of only) {
    const section = await runSection(
      name,
      (teardown) =>
        BENCHMARKS[name]({
          isQuick,
          directory,
          deployedWorker,
          compatibilityDate,
          teardown,
          say,
          peers,
          latencies,
        }),
      deadline,
    );
    sections.push(section);
    write(formatSection(section));
    // Write the file after each benchmark, so an interrupted run keeps its figures.
    await writeJsonReport(jsonFile, { date, ...setting, sections });
  }
  write(`The figures are in ${jsonFile}.`);
  write(formatSummary(sections));
  return exitCodeOf(sections);
}

/**
 * Creates a temporary directory. It is removed when this process ends, for any reason.
 * start-process.ts and nix-client.ts are loaded before, so their exit handlers have
 * killed the processes that might still write to the directory.
 */
function makeTemporaryDirectory(): string {
  const directory = mkdtempSync(path.join(tmpdir(), "nargate-bench-"));
  process.once("exit", () => {
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  return directory;
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Prints progress to standard error, if it is a terminal. It is not part of the report. */
function say(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`… ${what}\n`);
}

async function main(): Promise<number> {
  const parsed = parseBenchArguments(process.argv.slice(2));
  if (!parsed.ok) {
    process.stderr.write(`${parsed.error}\n\n${USAGE}\n`);
    return 2;
  }
  if (!hasProcessUsage) {
    process.stderr.write(
      "The benchmark needs Linux, because it reads CPU time and memory from /proc.\n",
    );
    return 2;
  }
  const prepared = await prepareJsonFile(parsed.value.jsonFile);
  if (!prepared.ok) {
    process.stderr.write(`${prepared.error}\n`);
    return 2;
  }
  const peers = findPeers(parsed.value.peers);
  if (!peers.ok) {
    process.stderr.write(`${peers.error}\n`);
    return 2;
  }
  return await run(parsed.value, peers.value);
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(2));
}

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(2);
  },
);
