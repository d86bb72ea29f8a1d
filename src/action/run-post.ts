import { rm } from "node:fs/promises";
import { ClientError, describeError } from "../client/client-error.ts";
import type { PathInfo } from "../client/local-nix/path-info.ts";
import { createPlainProgress } from "../client/progress/progress.ts";
import { pushPaths } from "../client/push/push-paths.ts";
import { formatPushSummary, hasFailed, type PushReport } from "../client/push/push-report.ts";
import { openPushSession } from "../client/push/push-session.ts";
import { formatStorePathBaseName } from "../nix/store-path.ts";
import type { ActionContext } from "./action-context.ts";
import { OWN_FILES, undoChange } from "./change-file.ts";
import { formatJobSummary } from "./format-job-summary.ts";
import { isWorkDirectory, JOB_STATE, type JobState, parseJobState } from "./job-state.ts";
import { countHits, findNewPaths } from "./new-paths.ts";
import { type Inputs, readInputs } from "./read-inputs.ts";
import { createRootFiles } from "./root-access.ts";
import { listTokenSources } from "./token-sources.ts";

/**
 * Runs the last step: pushes the paths that the job has added to the store, writes
 * the summary, and restores the files that the first step has changed.
 */
export async function runPost(context: ActionContext): Promise<void> {
  const { runner } = context;
  const state = parseJobState(runner.state(JOB_STATE));
  if (state === undefined) {
    runner.info("nothing to do, because the first step of the action failed early");
    return;
  }
  if (!isWorkDirectory(state.workDirectory, context.env)) {
    runner.fail(
      "the state of the first step names a directory that the action did not make. Nothing is pushed and nothing is cleaned up",
    );
    return;
  }
  try {
    await pushAndTell(await readInputs(runner), state, context);
  } finally {
    // Without the job's signal: a cancelled job is cleaned up too, and the runner waits for this.
    await cleanUp(state, { ...context, signal: new AbortController().signal });
  }
}

// The default of `nargate push`.
const COMPRESSION_LEVEL = 3;

interface NotPushed {
  readonly reason: string;
}

type PushResult = PushReport | NotPushed;

async function pushAndTell(inputs: Inputs, state: JobState, context: ActionContext): Promise<void> {
  const { runner } = context;
  let infos: readonly PathInfo[] | undefined;
  let push: PushResult | undefined = whyNot(inputs, state);
  if (push !== undefined) runner.info(`nothing is pushed: ${push.reason}`);
  try {
    infos = await findNewPaths(state.workDirectory, context);
    push ??= await pushNewPaths(infos, inputs, state, context);
  } catch (error) {
    const reason = describeError(error);
    if (push === undefined) tellFailure(`nothing was pushed: ${reason}`, inputs, context);
    push ??= { reason };
  }
  if ("outcomes" in push && hasFailed(push)) {
    tellFailure("some new paths could not be pushed; see the lines above", inputs, context);
  }
  const hits = infos === undefined ? undefined : countHits(infos, state.publicKeys);
  try {
    await runner.addToSummary(formatJobSummary({ url: inputs.url, push, hits }));
  } catch (error) {
    runner.warning(`cannot write the summary of the job: ${describeError(error)}`);
  }
}

function whyNot(inputs: Inputs, { pushBy, reason }: JobState): NotPushed | undefined {
  if (pushBy === undefined) return { reason: `this job only pulls: ${reason}` };
  const { pushOnFailure, jobStatus } = inputs;
  if (pushOnFailure || jobStatus === "success") return undefined;
  const status = jobStatus || "unknown";
  return { reason: `the input push-on-failure is false, and the status of the job is ${status}` };
}

/** Reports that pushing failed. The job fails only if the input fail-on-push-error is true. */
function tellFailure(line: string, { failOnPushError }: Inputs, { runner }: ActionContext): void {
  if (failOnPushError) runner.fail(line);
  else runner.warning(line);
}

async function pushNewPaths(
  infos: readonly PathInfo[],
  inputs: Inputs,
  { pushBy }: JobState,
  context: ActionContext,
): Promise<PushResult> {
  const { runner } = context;
  const { pushFilter, upstreamKeys, signKey, url } = inputs;
  const roots = infos
    .map(({ path }) => path)
    .filter((path) => pushFilter?.test(formatStorePathBaseName(path)) !== true);
  if (roots.length === 0) {
    runner.info("nothing to push: the job added no paths to the store");
    return { reason: "the job added no paths to the store" };
  }
  const sources = listTokenSources(inputs, context);
  const tokens = pushBy === undefined ? undefined : sources.get(pushBy);
  if (tokens === undefined)
    throw new ClientError(
      "the token that the first step found is gone. Give the action the same inputs and permissions for the whole job",
    );
  const startedAt = context.now().getTime();
  return await runner.group(`pushing to ${url}`, async () => {
    const options = {
      cache: { to: url, tokens },
      storeUrl: undefined,
      upstreamKeys,
      signKey,
      compression: "zstd",
      compressionLevel: COMPRESSION_LEVEL,
      isRepair: false,
      withListing: true,
      withLogs: false,
      isJson: false,
    } as const;
    const session = await openPushSession(options, context);
    const progress = createPlainProgress(context);
    try {
      const outcomes = await pushPaths(roots, session, progress);
      const seconds = (context.now().getTime() - startedAt) / 1000;
      const report = { outcomes, seconds, stopped: session.guard.reason() };
      for (const line of formatPushSummary(report)) runner.info(line);
      return report;
    } finally {
      progress.close();
    }
  });
}

async function cleanUp(
  { changes, workDirectory }: JobState,
  context: ActionContext,
): Promise<void> {
  for (const change of changes.toReversed()) {
    const files = change.isRoot ? createRootFiles(context) : OWN_FILES;
    try {
      await undoChange(change, files, workDirectory);
    } catch (error) {
      context.runner.warning(`cannot restore ${change.file}: ${describeError(error)}`);
    }
  }
  await rm(workDirectory, { recursive: true, force: true });
}
