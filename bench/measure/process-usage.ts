import { existsSync, readdirSync, readFileSync } from "node:fs";

/** What a process has used, read from Linux's /proc. */
export const hasProcessUsage = existsSync("/proc/self/status");

const NANOSECONDS = 1e6;

/** CPU time of all its threads so far, in milliseconds. */
export function cpuMilliseconds(pid: number): number {
  // Not /proc/<pid>/stat, which counts by hundredths of a second.
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const [onCpu = "0"] = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8").split(" ");
    nanoseconds += Number(onCpu);
  }
  return nanoseconds / NANOSECONDS;
}

/** The most memory that was ever resident, in MB. */
export function peakMemoryMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return (kib * 1024) / 1e6;
}
