/** What has to be undone in the end, in the reverse of the order in which it was done. */
export interface Teardown {
  /** Once it has run, what is added is undone at once: nobody waits for who came too late. */
  add(undo: Undo): void;
  /** Takes every step, also after one that failed, and gives what they threw. */
  run(): Promise<readonly unknown[]>;
}

type Undo = () => Promise<unknown> | void;

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
