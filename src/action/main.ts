/** The step where the workflow names the action. */
import { runStep } from "./action-context.ts";
import { runMain } from "./run-main.ts";

await runStep(runMain);
