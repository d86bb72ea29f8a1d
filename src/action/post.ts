/** The step that the runner adds to the end of the job. */
import { runPost } from "./run-post.ts";
import { runStep } from "./action-context.ts";

await runStep(runPost);
