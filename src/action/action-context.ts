import {
  type ProcessContext,
  type ProcessInput,
  createProcessContext,
} from "../client/process-context.ts";
import { createRunner, type Runner } from "./runner.ts";

/** What a step gets from the process; tests give other ones. */
export interface ActionContext extends ProcessContext {
  readonly runner: Runner;
  readonly platform: NodeJS.Platform;
}

export function createActionContext(signal: AbortSignal): ActionContext {
  const { env, cwd, stdout, fetch, now, random, sleep } = createProcessContext(signal);
  return {
    env,
    cwd,
    stdin: NO_INPUT,
    stdout,
    // The runner reads both pipes at once, and would put lines into the wrong group.
    stderr: stdout,
    fetch,
    now,
    random,
    sleep,
    signal,
    runner: createRunner(),
    platform: process.platform,
  };
}

const NO_INPUT: ProcessInput = {
  async *[Symbol.asyncIterator]() {
    yield* [];
  },
};
