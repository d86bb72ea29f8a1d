import type { ProcessContext } from "../process-context.ts";
import { formatBytes, formatSpeed } from "./format-amounts.ts";
import { createTransferModel, type Transfer } from "./transfer-model.ts";

/** Shows the progress of a push on stderr. */
export interface Progress {
  /** Adds paths that will be pushed. `narBytes` is the sum of their NAR sizes. */
  expect(paths: number, narBytes: number): void;
  start(name: string, narSize: number): Transfer;
  /** Shows the current activity. Only a terminal shows it; a log does not need it. */
  status(text: string): void;
  /** Reports that a path is pushed. */
  finished(line: string): void;
  /** Prints a line that stays, on a terminal and in a log. */
  say(line: string): void;
  /** Removes the bars from the terminal. */
  close(): void;
}

/** Calls `task` at each interval. Returns a function that stops this. */
export type Every = (milliseconds: number, task: () => void) => () => void;

/** Uses a timer that does not keep the process alive. */
export const everyInterval: Every = (milliseconds, task) => {
  const timer = setInterval(task, milliseconds).unref();
  return () => clearInterval(timer);
};

const QUIET_MILLISECONDS = 10_000;

/**
 * Creates a progress for logs: a line for each finished path, and a line after ten
 * seconds without one.
 */
export function createPlainProgress(
  { stderr, now }: Pick<ProcessContext, "stderr" | "now">,
  prefix = "",
  every: Every = everyInterval,
): Progress {
  const model = createTransferModel(() => now().getTime());
  let printedAt = now().getTime();
  const stop = every(1000, () => {
    const view = model.view();
    if (view.active.length === 0 || now().getTime() - printedAt < QUIET_MILLISECONDS) return;
    const { fraction, endedPaths, totalPaths, bytesPerSecond, secondsLeft } = view;
    const [first] = view.active;
    const facts = [
      `${Math.floor(fraction * 100)} %`,
      `${endedPaths} of ${totalPaths} paths`,
      ...formatSpeed(bytesPerSecond, secondsLeft),
      ...(first === undefined
        ? []
        : [
            `${first.phase} ${first.name}, ${formatBytes(first.doneBytes)} of ${formatBytes(first.totalBytes)}`,
          ]),
    ];
    say(`… ${facts.join(", ")}`);
  });

  function say(line: string): void {
    printedAt = now().getTime();
    stderr.write(`${prefix}${line}\n`);
  }

  return {
    expect: (paths, narBytes) => model.expect(paths, narBytes),
    start: (name, narSize) => model.start(name, narSize),
    status: () => {},
    finished: say,
    say,
    close: stop,
  };
}
