/** What has to be undone in the end, in the reverse of the order in which it was done. */
export interface Teardown {
  add(undo: () => Promise<unknown> | void): void;
  run(): Promise<void>;
}

export function createTeardown(): Teardown {
  const steps: (() => Promise<unknown> | void)[] = [];
  return {
    add: (undo) => void steps.push(undo),
    async run() {
      for (let step = steps.pop(); step !== undefined; step = steps.pop()) await step();
    },
  };
}
