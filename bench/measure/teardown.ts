/** The steps that clean up after a benchmark. They run in reverse order. */
export interface Teardown {
  /** Adds a step. If `run` has been called already, the step runs at once, and no caller waits for it. */
  add(undo: Undo): void;
  /** Runs every step, even if an earlier one fails. Returns the errors. */
  run(): Promise<readonly unknown[]>;
}

type Undo = () => Promise<unknown> | void;

/** Creates a teardown without steps. */
export function createTeardown(): Teardown {
  const steps: Undo[] = [];
  const thrown: unknown[] = [];
  let isOver = false;

  async function take(step: Undo): Promise<void> {
    try {
      await step();
    } catch (error) {
      thrown.push(error);
    }
  }
  return {
    add(undo) {
      if (isOver) void take(undo);
      else steps.push(undo);
    },
    async run() {
      isOver = true;
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) await take(step);
      return thrown;
    },
  };
}
