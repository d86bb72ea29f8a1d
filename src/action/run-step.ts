import { describeError, Interrupted } from "../client/client-error.ts";
import { type ActionContext, createActionContext } from "./action-context.ts";

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
