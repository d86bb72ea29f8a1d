import { formatStorePath, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { formatBytes, formatDuration } from "../progress/format-amounts.ts";
import { formatPinned, type PinOutcome } from "./pin-outcome.ts";

/** The result of a push for one path. */
export type PathOutcome =
  | {
      readonly kind: "pushed";
      readonly path: StorePath;
      readonly narSize: number;
      readonly fileSize: number;
      /**
       * Bytes of the file that this run sent. Less than `fileSize` if the bucket had
       * parts, 0 if it had the file.
       */
      readonly sentBytes: number;
      readonly seconds: number;
      /** Whether its build log was sent with it. */
      readonly withLog?: boolean;
      /** Whether clients will not accept it, because nobody has signed it with a key that they trust. */
      readonly isUnusable?: boolean;
    }
  | {
      readonly kind: "skipped";
      readonly path: StorePath;
      readonly reason: string;
      /** Whether the operator should look into it. */
      readonly isSuspicious: boolean;
    }
  | { readonly kind: "failed"; readonly path: StorePath; readonly message: string }
  /** The push stopped before this path. */
  | { readonly kind: "untried"; readonly path: StorePath };

/** Receives the end of each path, once, and again as a failure if its realisation cannot be stored. */
export interface PathEnds {
  settle(outcome: PathOutcome): void;
  settleError(path: StorePath, error: unknown): void;
  /** The path was not published, because its reference `needs` (a base name) was not. */
  settleBlocked(path: StorePath, needs: string): void;
}

/** Returns one line for people. */
export function formatOutcome(outcome: PathOutcome): string {
  const name = formatStorePathBaseName(outcome.path);
  switch (outcome.kind) {
    case "pushed": {
      const sizes = `${formatBytes(outcome.narSize)}, ${formatBytes(outcome.fileSize)} packed`;
      const stored = outcome.sentBytes > 0 ? "" : ", the bucket already had it";
      return `pushed ${name} (${sizes}${stored}, ${formatDuration(outcome.seconds)})`;
    }
    case "skipped":
      return `${outcome.isSuspicious ? "warning: " : ""}skipped ${name}: ${outcome.reason}`;
    case "failed":
      return `failed ${name}: ${outcome.message}`;
    case "untried":
      return `not tried ${name}`;
  }
}

/** The result of a push. */
export interface PushReport {
  readonly outcomes: readonly PathOutcome[];
  readonly seconds: number;
  /** The reason why the push stopped early. */
  readonly stopped: string | undefined;
  /** What became of `--pin`. */
  readonly pin?: PinOutcome | undefined;
}

/** Returns whether a path failed, the push stopped early, or the path was not pinned. */
export function hasFailed({ outcomes, stopped, pin }: PushReport): boolean {
  if (pin !== undefined && "message" in pin) return true;
  return stopped !== undefined || outcomes.some(({ kind }) => kind === "failed");
}

/**
 * Returns the summary for people: a line with the numbers, a line with the reason if
 * the push stopped early, and a line about the pin.
 */
export function formatPushSummary({
  outcomes,
  seconds,
  stopped,
  pin,
}: PushReport): readonly string[] {
  const pushed = outcomes.filter((outcome) => outcome.kind === "pushed");
  const skipped = outcomes.filter((outcome) => outcome.kind === "skipped");
  const countOf = (kind: PathOutcome["kind"]) =>
    outcomes.filter((outcome) => outcome.kind === kind).length;
  const reasons = [...countBy(skipped, ({ reason }) => reason)].map(
    ([reason, count]) => `${count} ${reason}`,
  );
  const facts = [
    `${countPaths(pushed.length)} pushed (${formatBytes(sentBytes(outcomes))} sent)`,
    ...countUnusable(pushed.filter(({ isUnusable }) => isUnusable === true).length),
    ...countLogs(pushed.filter(({ withLog }) => withLog === true).length),
    ...(skipped.length === 0 ? [] : [`${skipped.length} skipped (${reasons.join(", ")})`]),
    ...(countOf("failed") === 0 ? [] : [`${countOf("failed")} failed`]),
    ...(countOf("untried") === 0 ? [] : [`${countOf("untried")} not tried`]),
  ];
  return [
    `${facts.join(", ")} in ${formatDuration(seconds)}`,
    ...(stopped === undefined ? [] : [`stopped: ${stopped}`]),
    ...(pin === undefined ? [] : [formatPinned(pin)]),
  ];
}

/** Returns the report as one line of JSON. */
export function formatPushJson(report: PushReport, storeDir: string): string {
  const { outcomes, seconds, stopped, pin } = report;
  const pathOf = ({ path }: PathOutcome) => formatStorePath(path, storeDir);
  return JSON.stringify({
    pushed: outcomes.flatMap((outcome) => {
      if (outcome.kind !== "pushed") return [];
      const { narSize, fileSize, sentBytes: sent } = outcome;
      return [
        {
          path: pathOf(outcome),
          narSize,
          fileSize,
          sentBytes: sent,
          seconds: outcome.seconds,
          ...(outcome.withLog === true ? { log: true } : {}),
          ...(outcome.isUnusable === true ? { unusable: true } : {}),
        },
      ];
    }),
    skipped: outcomes.flatMap((outcome) =>
      outcome.kind === "skipped" ? [{ path: pathOf(outcome), reason: outcome.reason }] : [],
    ),
    failed: outcomes.flatMap((outcome) =>
      outcome.kind === "failed" ? [{ path: pathOf(outcome), message: outcome.message }] : [],
    ),
    untried: outcomes.flatMap((outcome) => (outcome.kind === "untried" ? [pathOf(outcome)] : [])),
    unusable: outcomes.filter((one) => one.kind === "pushed" && one.isUnusable === true).length,
    stopped: stopped ?? null,
    ...(pin === undefined ? {} : { pin }),
    bytes: sentBytes(outcomes),
    seconds,
  });
}

function sentBytes(outcomes: readonly PathOutcome[]): number {
  return outcomes.reduce(
    (total, outcome) => (outcome.kind === "pushed" ? total + outcome.sentBytes : total),
    0,
  );
}

function countBy<T>(list: readonly T[], nameOf: (item: T) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const item of list) counts.set(nameOf(item), (counts.get(nameOf(item)) ?? 0) + 1);
  return counts;
}

function countUnusable(count: number): readonly string[] {
  return count === 0 ? [] : [`${count} of them UNUSABLE without a signature`];
}

function countLogs(count: number): readonly string[] {
  return count === 0 ? [] : [count === 1 ? "1 build log" : `${count} build logs`];
}

function countPaths(count: number): string {
  return count === 1 ? "1 path" : `${count} paths`;
}
