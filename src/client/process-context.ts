import { addAbortSignal } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

/** What a command gets from the process; tests give other ones. */
export interface ProcessContext {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative paths start. */
  readonly cwd: string;
  readonly stdin: ProcessInput;
  readonly stdout: ProcessOutput;
  readonly stderr: ProcessOutput;
  readonly fetch: typeof fetch;
  readonly now: () => Date;
  readonly random: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The part of a terminal or a file that is written to. */
export interface ProcessOutput {
  write(text: string): unknown;
  /** Whether a person looks at it: colours and bars are for them alone. */
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** The part of a terminal or a file that is read from. */
export interface ProcessInput extends AsyncIterable<Uint8Array | string> {
  readonly isTTY?: boolean | undefined;
}

export function createProcessContext(signal: AbortSignal): ProcessContext {
  return {
    env: process.env,
    cwd: process.cwd(),
    // Only once asked for: Node makes what it opens non-blocking, also for the programs that inherit it.
    // Who waits for it must not keep on after Ctrl-C.
    get stdin() {
      return addAbortSignal(signal, process.stdin);
    },
    stdout: process.stdout,
    stderr: process.stderr,
    fetch,
    now: () => new Date(),
    random: Math.random,
    sleep: (milliseconds) => sleep(milliseconds, undefined, { signal }),
    signal,
  };
}
