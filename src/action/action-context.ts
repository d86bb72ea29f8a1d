import { describeError, Interrupted } from "../client/client-error.ts";
import {
  createProcessContext,
  type ProcessContext,
  type ProcessInput,
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

/** Runs one of the action's steps in this process. What it throws fails the step, in one line. */
export async function runStep(step: (context: ActionContext) => Promise<void>): Promise<void> {
  const controller = new AbortController();
  // A job that is cancelled: SIGINT, 7.5 seconds, SIGTERM, 2.5 seconds, SIGKILL.
  // A signal that comes again, as to a whole group of processes, must not cut the clean-up short.
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => controller.abort(new Interrupted(name)));
  }
  const context = createActionContext(controller.signal);
  try {
    await step(context);
  } catch (error) {
    context.runner.fail(describeError(error));
  }
}
