import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Whether this system tells how much memory a process has. */
export const TELLS_MEMORY = existsSync("/proc/self/status");

/** The process that this one started, by the name of its command. */
export function findChild(command: string): string {
  const found = readdirSync("/proc").find((entry) => {
    if (!/^\d+$/.test(entry) || !existsSync(`/proc/${entry}/stat`)) return false;
    const [, after = ""] = readFileSync(`/proc/${entry}/stat`, "utf8").split(") ");
    const isChild = after.split(" ")[1] === String(process.pid);
    return isChild && readFileSync(`/proc/${entry}/cmdline`, "utf8").includes(command);
  });
  if (found === undefined) throw new Error(`no child runs ${command}`);
  return found;
}

/** How much more memory a process had at most while `work` went on, in MiB. */
export async function growthOf<T>(pid: string, work: () => Promise<T>): Promise<[number, T]> {
  const before = residentMib(pid);
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, residentMib(pid));
  }, 20);
  try {
    const result = await work();
    return [peak - before, result];
  } finally {
    clearInterval(timer);
  }
}

function residentMib(pid: string): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
