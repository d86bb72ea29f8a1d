/** The last step: the runner adds it to the end of the job. */
import { runStep } from "./action-context.ts";
import { runPost } from "./run-post.ts";

await runStep(runPost);
