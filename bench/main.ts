/**
 * `npm run bench`: what the gateway costs, against what does the same without
 * it. See docs/performance.md. Exits 0 if every target is met, 1 if one is not,
 * 2 if it cannot run.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type BenchArguments,
  type BenchmarkName,
  parseBenchArguments,
  USAGE,
} from "./arguments.ts";
import type { BenchContext } from "./benchmarks/bench-context.ts";
import { benchClient } from "./benchmarks/client.ts";
import { benchDirectUploads } from "./benchmarks/direct-uploads.ts";
import { benchDownloads } from "./benchmarks/downloads.ts";
import { benchRequests } from "./benchmarks/requests.ts";
import { benchStartup } from "./benchmarks/startup.ts";
import { benchUploads } from "./benchmarks/uploads.ts";
import { createTeardown } from "./measure/teardown.ts";
import { hasProcessUsage } from "./measure/process-usage.ts";
import { formatSection, formatSummary, type Section, tally } from "./report/format-report.ts";
import { describeMachine } from "./report/describe-machine.ts";
import { buildDeployedWorker, readCompatibilityDate } from "./subjects/build-worker.ts";

const BENCHMARKS: Record<BenchmarkName, (context: BenchContext) => Promise<Section>> = {
  startup: benchStartup,
  requests: benchRequests,
  downloads: benchDownloads,
  uploads: benchUploads,
  "direct-uploads": benchDirectUploads,
  client: benchClient,
};

async function run({ isQuick, only, jsonFile }: BenchArguments): Promise<number> {
  const startedAt = new Date();
  const directory = await mkdtemp(path.join(tmpdir(), "nargate-bench-"));
  const sections: Section[] = [];
  try {
    const deployedWorker = await buildDeployedWorker(path.join(directory, "deployed"));
    const compatibilityDate = await readCompatibilityDate();
    for (const name of only) {
      const teardown = createTeardown();
      try {
        const context = { isQuick, directory, deployedWorker, compatibilityDate, teardown, say };
        const section = await BENCHMARKS[name](context);
        sections.push(section);
        write(formatSection(section));
      } finally {
        await teardown.run();
      }
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
  const machine = describeMachine();
  const report = { date: startedAt.toISOString(), isQuick, machine, sections };
  await mkdir(path.dirname(path.resolve(jsonFile)), { recursive: true });
  await writeFile(jsonFile, `${JSON.stringify(report, undefined, 2)}\n`);
  write(`Figures in ${jsonFile}`);
  write(formatSummary(sections));
  return tally(sections).failed === 0 ? 0 : 1;
}

function write(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Progress is for people, so it is not part of the report. */
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
    process.stderr.write("The benchmark reads CPU and memory from /proc: it needs Linux.\n");
    return 2;
  }
  return await run(parsed.value);
}

// Ctrl-C ends what was started, too: see start-process.ts.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(2));

main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(2);
  },
);
