import type { Transfer } from "./transfer-model.ts";

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
