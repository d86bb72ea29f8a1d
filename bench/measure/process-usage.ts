import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Whether CPU time and memory can be read from /proc. Only Linux has it, and some kernels lack schedstat. */
export const hasProcessUsage =
  existsSync("/proc/self/status") && existsSync("/proc/thread-self/schedstat");

const NANOSECONDS_PER_MILLISECOND = 1e6;
// /proc/PID/stat counts in ticks of a hundredth of a second, whatever the kernel uses
// internally.
const MILLISECONDS_PER_TICK = 10;

/**
 * Returns the CPU time of all threads of a process so far, in milliseconds. The exact
 * counts of the threads lack those that have ended. The count of the process includes
 * them, but in hundredths of a second, rounded down. The greater of the two is the
 * better one.
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

/** Reads a file of a thread. Returns `undefined` if the thread has ended since it was listed. */
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
  // The fields after the program's name, beginning with the state: see proc(5). The
  // name may contain any character, so look for its closing parenthesis.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [userTicks, systemTicks] = fields.slice(11, 13).map(Number);
  return ((userTicks ?? 0) + (systemTicks ?? 0)) * MILLISECONDS_PER_TICK;
}

/** Returns the peak resident memory of a process, in MB. */
export function peakMemoryMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const kib = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]);
  return (kib * 1024) / 1e6;
}
