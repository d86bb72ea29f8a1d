import { addAbortSignal } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { withoutEscapes } from "./plain-text.ts";

/** The parts of the process that the code may use. Tests replace each of them. */
export interface ProcessContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The directory from which relative paths are resolved. */
  readonly cwd: string;
  readonly stdin: ProcessInput;
  readonly stdout: ProcessOutput;
  readonly stderr: ProcessOutput;
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  readonly random: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Aborts at the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Standard output or standard error. */
export interface ProcessOutput {
  /** Writes a text. Unsafe characters from outside are left out; see `plain-text.ts`. */
  write(text: string): unknown;
  /** Writes a text as it is, for bars that move the cursor. Absent where there is no terminal. */
  draw?(text: string): unknown;
  /** Whether the output is a terminal. Only a terminal gets colours and bars. */
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Standard input. */
export interface ProcessInput extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
}

export function createProcessContext(signal: AbortSignal): ProcessContext {
  return {
    env: process.env,
    cwd: process.cwd(),
    // A getter, because Node opens stdin at the first use and then makes it non-blocking, also for
    // each program that inherits it. The signal ends a read that waits for input at Ctrl-C.
    get stdin() {
      return addAbortSignal(signal, process.stdin);
    },
    stdout: createOutput(process.stdout),
    stderr: createOutput(process.stderr),
    fetch,
    now: () => new Date(),
    random: Math.random,
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }),
    signal,
  };
}

function createOutput(stream: NodeJS.WriteStream): ProcessOutput {
  return {
    write: (text) => stream.write(withoutEscapes(text)),
    draw: (text) => stream.write(text),
    get isTTY() {
      return stream.isTTY;
    },
    get columns() {
      return stream.columns;
    },
    get rows() {
      return stream.rows;
    },
  };
}
