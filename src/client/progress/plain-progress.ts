import type { ProcessContext } from "../process-context.ts";
import { formatBytes } from "./format-bytes.ts";
import { formatSpeed } from "./format-speed.ts";
import { type Every, everyInterval, type Progress } from "./progress.ts";
import { createTransferModel } from "./transfer-model.ts";

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
