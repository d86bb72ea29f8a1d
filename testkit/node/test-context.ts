import type { ProcessContext } from "../../src/client/process-context.ts";

/** Creates a context without network, home and pauses. `overrides` replaces parts of it. */
export function createTestContext(overrides: Partial<ProcessContext> = {}): ProcessContext {
  return {
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
    cwd: "/nonexistent",
    stdin: emptyInput,
    stdout: { write: () => {} },
    stderr: { write: () => {} },
    fetch: noNetwork,
    now: () => new Date(),
    random: () => 0,
    sleep: async () => {},
    signal: new AbortController().signal,
    ...overrides,
  };
}

async function noNetwork(): Promise<never> {
  throw new Error("no network in this test");
}

const emptyInput = {
  async *[Symbol.asyncIterator]() {
    yield* [];
  },
};
