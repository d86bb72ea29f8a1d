import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import {
  cpuMilliseconds,
  hasProcessUsage,
  peakMemoryMegabytes,
} from "../../bench/measure/process-usage.ts";

const MEGABYTE = 1e6;

// How much more the rest of this process may use meanwhile.
const SLACK_MILLISECONDS = 150;

const SPIN = "const end = performance.now() + 300; while (performance.now() < end);";

async function spinInThread(): Promise<void> {
  const thread = new Worker(SPIN, { eval: true });
  await new Promise((resolve) => thread.once("exit", resolve));
}

/** What Node itself says of the same. */
function cpuOfNode(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

describe.skipIf(!hasProcessUsage)("cpuMilliseconds", () => {
  it("counts what Node counts", () => {
    const before = cpuMilliseconds(process.pid) - cpuOfNode();
    const end = performance.now() + 200;
    while (performance.now() < end);
    const after = cpuMilliseconds(process.pid) - cpuOfNode();
    expect(Math.abs(after - before)).toBeLessThan(SLACK_MILLISECONDS);
  });

  it("counts threads that have ended, too", async () => {
    const before = cpuMilliseconds(process.pid);
    const ofNode = cpuOfNode();
    await spinInThread();
    const grown = cpuMilliseconds(process.pid) - before;
    expect(grown).toBeGreaterThan(cpuOfNode() - ofNode - SLACK_MILLISECONDS);
  });

  it("bears threads that end while it counts", async () => {
    const ended = Promise.all(Array.from({ length: 8 }, spinInThread));
    const until = performance.now() + 1000;
    while (performance.now() < until) {
      expect(cpuMilliseconds(process.pid)).toBeGreaterThan(0);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
  });
});

describe.skipIf(!hasProcessUsage)("peakMemoryMegabytes", () => {
  it("is the most that there ever was, also once it is given back", () => {
    const large = new ArrayBuffer(200 * MEGABYTE);
    new Uint8Array(large).fill(1);
    const most = process.memoryUsage.rss() / MEGABYTE;
    large.transfer(0);
    expect(process.memoryUsage.rss() / MEGABYTE).toBeLessThan(most - 100);
    expect(peakMemoryMegabytes(process.pid)).toBeGreaterThan(most - 10);
  });
});
