/** What a figure has to reach. */
export interface Target {
  readonly what: string;
  /** What is held against the limit: the ratio to the comparison, or the value itself. */
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

/** The promises that docs/performance.md makes. */
export const TARGETS = {
  bundleSize: value("stay under", 300, "the deployed bundle has less than 300 KB"),
  startTime: value(
    "stay under",
    50,
    "the worker starts in less than 50 ms, with workerd's own start",
  ),
  hitRate: ratio("reach", 0.6, "a hit reaches 0.6 of the requests a second of one cache match"),
  missRate: ratio("reach", 0.6, "a miss reaches 0.6 of the requests a second of sign and fetch"),
  noRequest: value("be", 0, "the edge answers without the bucket"),
  oneRequest: value("be", 1, "it takes exactly one bucket request"),
  downloadRate: ratio("reach", 0.7, "a NAR comes at 0.7 of the S3 server's own pace"),
  downloadMemory: value("stay under", 32, "memory grows by less than 32 MB beyond a 1 MB download"),
  uploadCpu: ratio("stay within", 1.4, "an upload costs at most 1.4 times read and send"),
  uploadMemory: value("stay under", 48, "memory grows by less than 48 MB beyond a 1 MB upload"),
  sameRequests: ratio("be", 1, "it takes no more bucket requests than read and send"),
  warmPullTime: ratio("stay within", 1.5, "a warm pull takes at most 1.5 times nginx's time"),
  warmPullRequests: value("be", 0, "a warm pull asks the bucket nothing"),
  coldPullRequests: ratio("be", 1, "a cold pull asks the bucket once an object"),
} as const satisfies Record<string, Target>;

export type TargetName = keyof typeof TARGETS;

export type TargetVerdict = "pass" | "fail";

/** Whether `measured`, which is what `target.of` says, is good enough. What is no number is not. */
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

/** As in `≥ 0.6`. */
export function formatLimit({ must, limit }: Target): string {
  return `${SIGNS[must]} ${limit}`;
}
