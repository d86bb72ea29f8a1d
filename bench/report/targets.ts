/** A limit that a figure has to meet. */
export interface Target {
  readonly what: string;
  /** Whether the limit applies to the ratio to the comparison, or to the value itself. */
  readonly of: "ratio" | "value";
  readonly must: "reach" | "stay within" | "stay under" | "be";
  readonly limit: number;
}

function ratio(must: Target["must"], limit: number, what: string): Target {
  return { what, of: "ratio", must, limit };
}

function value(must: Target["must"], limit: number, what: string): Target {
  return { what, of: "value", must, limit };
}

/** The targets that docs/performance.md promises. */
export const TARGETS = {
  bundleSize: value("stay under", 600, "the deployed bundle has less than 600 KB"),
  startTime: value(
    "stay under",
    50,
    "the worker starts with less than 50 ms of CPU, the start of workerd included",
  ),
  hitRate: ratio("reach", 0.6, "a hit reaches 0.6 times the requests a second of one cache match"),
  missRate: ratio(
    "reach",
    0.6,
    "a miss reaches 0.6 times the requests a second of the smallest worker with the same edge",
  ),
  missCpu: value(
    "stay under",
    2000,
    "a miss takes less than 2 ms of CPU: a fifth of the free plan's 10 ms, and 4 cents for a million",
  ),
  farMissCpu: value(
    "stay under",
    5000,
    "a single miss far from the bucket takes less than 5 ms of CPU, half of the free plan's",
  ),
  missWait: value(
    "stay under",
    5,
    "a client waits less than 5 ms longer for a miss than for the bucket itself",
  ),
  noRequest: value("be", 0, "the edge answers without a bucket request"),
  oneRequest: value("be", 1, "a request takes exactly one bucket request"),
  downloadRate: ratio(
    "reach",
    0.7,
    "a large download that passes through reaches 0.7 times the speed of the smallest worker",
  ),
  smallDownloadRate: ratio(
    "reach",
    0.6,
    "a download of 1 MB reaches 0.6 times the speed of the smallest worker",
  ),
  fillRate: ratio(
    "reach",
    0.7,
    "a download that fills the edge reaches 0.7 times the speed of the smallest worker that fills",
  ),
  lineRate: value("reach", 125, "a download reaches 125 MB/s, a line of 1 Gbit/s"),
  downloadCpu: value(
    "stay under",
    5,
    "a download takes less than 5 ms of CPU a MB: 10 cents for a terabyte of misses",
  ),
  downloadMemory: value(
    "stay under",
    32,
    "memory grows by less than 32 MB from a 1 MB download to a larger one",
  ),
  uploadCpu: ratio(
    "stay within",
    1.3,
    "an upload takes at most 1.3 times the CPU of read, hash and send",
  ),
  uploadMemory: value(
    "stay under",
    48,
    "memory grows by less than 48 MB from a 1 MB upload to a larger one",
  ),
  sameRequests: ratio("be", 1, "an upload takes as many bucket requests as read, hash and send"),
  loadHeap: value(
    "stay under",
    128,
    "the heap of the worker stays under 128 MB, an isolate's limit",
  ),
  loadMemory: value(
    "stay under",
    256,
    "the worker's process stays under 256 MB with 50 readers and 10 pushers",
  ),
  catalogSearch: value("stay under", 50, "a search in the catalog takes less than 50 ms"),
  catalogWrites: value(
    "stay under",
    20,
    "a path costs less than 20 rows written: 5,000 paths a day on the free plan",
  ),
  catalogClosure: value("stay under", 12, "a closure reads less than 12 rows a path"),
  warmPullTime: ratio("stay within", 1.5, "a warm pull takes at most 1.5 times nginx's time"),
  warmPullRequests: value("be", 0, "a warm pull takes no bucket request"),
  coldPullRequests: ratio("be", 1, "a cold pull takes one bucket request for each object"),
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

/** Whether a figure meets its target. */
export type TargetVerdict = "pass" | "fail";

/**
 * Judges a measured value or ratio, whichever `target.of` names. NaN, which means that
 * it could not be measured, fails.
 */
export function judge(target: Target, measured: number): TargetVerdict {
  switch (target.must) {
    case "reach":
      return measured >= target.limit ? "pass" : "fail";
    case "stay within":
      return measured <= target.limit ? "pass" : "fail";
    case "stay under":
      return measured < target.limit ? "pass" : "fail";
    case "be":
      return measured === target.limit ? "pass" : "fail";
  }
}

const SIGNS = { reach: "≥", "stay within": "≤", "stay under": "<", be: "=" } as const;

/** Formats the limit of a target, as in `≥ 0.6`. */
export function formatLimit({ must, limit }: Target): string {
  return `${SIGNS[must]} ${limit}`;
}
