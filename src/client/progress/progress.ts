import type { ProcessContext } from "../process-context.ts";
import { formatBytes, formatSpeed } from "./format-amounts.ts";
import { createTransferModel, type Transfer } from "./transfer-model.ts";

/** What a push says while it runs. All of it goes to stderr. */
export interface Progress {
  /** So many more paths, of so many bytes, are going to be pushed. */
  expect(paths: number, narBytes: number): void;
  start(name: string, narSize: number): Transfer;
  /** Something that goes on, and is worth a line only to who waits for it. */
  status(text: string): void;
  /** A path has come to its end. */
  finished(line: string): void;
  /** A line that stays, whoever looks. */
  say(line: string): void;
  /** Leaves the terminal as it was found. */
  close(): void;
}

/** Calls `task` again and again; the answer ends that. */
export type Every = (milliseconds: number, task: () => void) => () => void;

/** Does not keep the process alive. */
export const everyInterval: Every = (milliseconds, task) => {
  const timer = setInterval(task, milliseconds).unref();
  return () => clearInterval(timer);
};

const QUIET_MILLISECONDS = 10_000;

/** A line for every path that ends, and one whenever nothing was said for ten seconds. */
export function createPlainProgress(
  { stderr, now }: Pick<ProcessContext, "stderr" | "now">,
  prefix = "",
  every: Every = everyInterval,
): Progress {
  const model = createTransferModel(() => now().getTime());
  let spokeAt = now().getTime();
  const stop = every(1000, () => {
    const view = model.view();
    if (view.active.length === 0 || now().getTime() - spokeAt < QUIET_MILLISECONDS) return;
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
    spokeAt = now().getTime();
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
