import { Writable } from "node:stream";
import { createLogUpdate } from "log-update";
import { toOneLine, withoutEscapes } from "../plain-text.ts";
import type { ProcessContext, ProcessOutput } from "../process-context.ts";
import { formatBars } from "./format-bars.ts";
import { createPlainProgress, type Every, everyInterval, type Progress } from "./progress.ts";
import { createTransferModel } from "./transfer-model.ts";

const FRAME_MILLISECONDS = 100;

/** Creates a progress for a terminal: bars that are redrawn in place ten times a second. */
export function createTerminalProgress(
  { stderr, now, env }: Pick<ProcessContext, "stderr" | "now" | "env">,
  every: Every = everyInterval,
): Progress {
  const model = createTransferModel(() => now().getTime());
  // The cursor stays visible, because a killed command could not show it again.
  const draw = createLogUpdate(asStream(stderr), { showCursor: true });
  const hasColours = hasColour(env);
  let text = "";

  function redraw(): void {
    const view = model.view();
    const columns = stderr.columns ?? 80;
    const bars = view.totalPaths === 0 ? [] : formatBars(view, { columns, hasColours });
    draw([...(text === "" ? [] : [text.slice(0, columns - 1)]), ...bars].join("\n"));
  }
  const stop = every(FRAME_MILLISECONDS, redraw);

  return {
    expect(paths, narBytes) {
      text = "";
      model.expect(paths, narBytes);
    },
    start: (name, narSize) => model.start(name, narSize),
    status(line) {
      text = toOneLine(line);
      redraw();
    },
    // The bars have shown the path. A thousand lines would only scroll the terminal.
    finished: () => {},
    say(line) {
      draw.persist(withoutEscapes(line));
      redraw();
    },
    close() {
      stop();
      draw.clear();
      draw.done();
    },
  };
}

/**
 * Returns whether to use colours: not with NO_COLOR (https://no-color.org), and
 * not on a dumb terminal.
 */
function hasColour(env: ProcessContext["env"]): boolean {
  return (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

function asStream(target: ProcessOutput): Writable {
  const stream = new Writable({
    decodeStrings: false,
    write(text: string, _encoding, done) {
      if (target.draw === undefined) target.write(text);
      else target.draw(text);
      done();
    },
  });
  return Object.defineProperties(stream, {
    isTTY: { value: true },
    columns: { get: () => target.columns },
    rows: { get: () => target.rows },
  });
}

/** Whether a person watches stderr on a terminal that can draw a line again. */
export function isWatched({ stderr, env }: Pick<ProcessContext, "stderr" | "env">): boolean {
  return stderr.isTTY === true && env["TERM"] !== "dumb" && (env["CI"] ?? "") === "";
}

/**
 * Creates a progress with bars if stderr is a terminal, and with lines otherwise
 * and in CI. `prefix` is the beginning of every line.
 */
export function createProgress(context: ProcessContext, prefix = ""): Progress {
  return isWatched(context)
    ? createTerminalProgress(context)
    : createPlainProgress(context, prefix);
}
