/** The step where the workflow names the action. */
import { runMain } from "./run-main.ts";
import { runStep } from "./action-context.ts";

await runStep(runMain);
