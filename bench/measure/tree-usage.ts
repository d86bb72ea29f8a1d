import { readdirSync, readFileSync } from "node:fs";

// /proc/PID/stat counts in hundredths of a second.
const SECONDS_PER_TICK = 0.01;

interface ProcessStat {
  readonly parent: number;
  /** The CPU time of the process itself. */
  readonly ticks: number;
  /** The CPU time of its children that have ended and were waited for. */
  readonly childrenTicks: number;
}

/**
 * Returns the seconds of CPU so far of processes and everything below them. Includes
 * processes that have ended, if their parent has waited for them.
 */
export function treeCpuSeconds(roots: readonly number[]): number {
  const all = new Map<number, ProcessStat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? readStat(name) : undefined;
    if (stat !== undefined) all.set(Number(name), stat);
  }
  let ticks = 0;
  const left = [...roots];
  for (let pid = left.pop(); pid !== undefined; pid = left.pop()) {
    const stat = all.get(pid);
    if (stat === undefined) continue;
    ticks += stat.ticks + stat.childrenTicks;
    for (const [child, { parent }] of all) if (parent === pid) left.push(child);
  }
  return ticks * SECONDS_PER_TICK;
}

/** Returns the seconds of CPU of the programs that this process has started and that have ended. */
export function endedChildrenCpuSeconds(): number {
  return (readStat("self")?.childrenTicks ?? 0) * SECONDS_PER_TICK;
}

function readStat(pid: string): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    // The process has ended since it was listed.
    return undefined;
  }
}

/** Parses /proc/PID/stat: see proc(5). */
export function parseStat(text: string): ProcessStat {
  // The program's name may contain any character, so look for its closing parenthesis.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const field = (index: number) => fields[index] ?? 0;
  return {
    parent: field(1),
    ticks: field(11) + field(12),
    childrenTicks: field(13) + field(14),
  };
}
