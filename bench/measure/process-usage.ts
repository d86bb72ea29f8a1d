import { existsSync, readdirSync, readFileSync } from "node:fs";

/** What a process has used, read from Linux's /proc; schedstat is not in every kernel. */
export const hasProcessUsage =
  existsSync("/proc/self/status") && existsSync("/proc/thread-self/schedstat");

const NANOSECONDS_PER_MILLISECOND = 1e6;
// Linux counts for programs by hundredths of a second, whatever it does inside.
const MILLISECONDS_PER_TICK = 10;

/**
 * CPU time of all its threads so far, in milliseconds. Those that have ended
 * are in none of the threads' own counts, but in that of the process, which
 * goes by hundredths of a second and is rounded down: whichever is more.
 */
export function cpuMilliseconds(pid: number): number {
  return Math.max(cpuOfLivingThreads(pid), cpuByTicks(pid));
}

function cpuOfLivingThreads(pid: number): number {
  let nanoseconds = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const text = readUnlessGone(`/proc/${pid}/task/${thread}/schedstat`);
    nanoseconds += Number(text?.split(" ")[0] ?? 0);
  }
  return nanoseconds / NANOSECONDS_PER_MILLISECOND;
}

/** `undefined` for a thread that has ended since it was listed. */
function readUnlessGone(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return undefined;
    throw error;
  }
}

function cpuByTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // After the program's name, which may hold anything, from the state on: see proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [userTicks, systemTicks] = fields.slice(11, 13).map(Number);
  return ((userTicks ?? 0) + (systemTicks ?? 0)) * MILLISECONDS_PER_TICK;
}

/** The most memory that was ever resident, in MB. */
export function peakMemoryMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return (kib * 1024) / 1e6;
}
