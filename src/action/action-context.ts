import { adoptNetworkSettings } from "../client/network-settings.ts";
import { describeError, Interrupted } from "../client/client-error.ts";
import {
  createProcessContext,
  type ProcessContext,
  type ProcessInput,
  type ProcessOutput,
} from "../client/process-context.ts";
import { toLogLine } from "../client/plain-text.ts";
import { createRunner, type Runner } from "./runner.ts";

/** The parts of the process that a step of the action may use. Tests replace each of them. */
export interface ActionContext extends ProcessContext {
  readonly runner: Runner;
  readonly platform: NodeJS.Platform;
}

export function createActionContext(signal: AbortSignal): ActionContext {
  const { env, cwd, fetch, now, random, sleep } = createProcessContext(signal);
  const stdout = createLogOutput((text) => process.stdout.write(text));
  return {
    env,
    cwd,
    stdin: NO_INPUT,
    stdout,
    // All output goes to stdout: the runner reads both pipes at once, and would mix up the order of
    // lines and groups.
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

/** Creates an output for the log of a workflow, which obeys some lines; see `toLogLine`. */
export function createLogOutput(write: (text: string) => unknown): ProcessOutput {
  return { write: (text) => write(text.split("\n").map(toLogLine).join("\n")) };
}

const NO_INPUT: ProcessInput = {
  async *[Symbol.asyncIterator]() {
    yield* [];
  },
};

/**
 * Runs a step of the action in this process, or behind a proxy in another one. An
 * error fails the step, with one line.
 */
export async function runStep(step: (context: ActionContext) => Promise<void>): Promise<void> {
  const code = await adoptNetworkSettings(process.env);
  if (code !== undefined) {
    process.exitCode = code;
    return;
  }
  const controller = new AbortController();
  // When a job is cancelled, the runner sends SIGINT, after 7.5 s SIGTERM, and after 2.5 s SIGKILL.
  // The handler stays after the first signal, so that a second signal does not interrupt the
  // clean-up.
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
