/** The first step: it runs where the workflow uses the action. */
import { runStep } from "./action-context.ts";
import { runMain } from "./run-main.ts";

await runStep(runMain);
