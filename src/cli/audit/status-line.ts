import type { ProcessContext } from "../../client/process-context.ts";
import { isWatched } from "../../client/progress/terminal-progress.ts";
import { toOneLine } from "../../client/plain-text.ts";

/** Shows on stderr how far the command is. */
export interface StatusLine {
  /** Shows the text, if enough time has passed since the last one. Call it as often as you like. */
  show(text: string): void;
  /** Removes the line from the terminal. Call it before anything else is printed. */
  clear(): void;
}

const REDRAW_MILLISECONDS = 100;
const LOG_MILLISECONDS = 10_000;

/** On a terminal one line is drawn again and again. In a log there is a line every ten seconds. */
export function createStatusLine({
  stderr,
  env,
  now,
}: Pick<ProcessContext, "stderr" | "env" | "now">): StatusLine {
  const isTerminal = isWatched({ stderr, env });
  const pause = isTerminal ? REDRAW_MILLISECONDS : LOG_MILLISECONDS;
  let shownAt = isTerminal ? 0 : now().getTime();
  let isDrawn = false;
  const draw = (text: string) => void (stderr.draw?.(text) ?? stderr.write(text));
  return {
    show(text) {
      const time = now().getTime();
      if (time - shownAt < pause) return;
      shownAt = time;
      const line = toOneLine(text);
      if (!isTerminal) {
        stderr.write(`… ${line}\n`);
        return;
      }
      isDrawn = true;
      draw(`\r\u001B[2K${line.slice(0, (stderr.columns ?? 80) - 1)}`);
    },
    clear() {
      if (isDrawn) draw("\r\u001B[2K");
      isDrawn = false;
    },
  };
}
