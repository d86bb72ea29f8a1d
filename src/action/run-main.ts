import { ClientError, describeError } from "../client/client-error.ts";
import type { GatewayFacts } from "../api/answers.ts";
import { openCache } from "../client/gateway/open-cache.ts";
import { readTokenFacts } from "../client/gateway/token-facts.ts";
import { runNix } from "../client/local-nix/run-nix.ts";
import { findStore } from "../client/local-nix/store-location.ts";
import type { ActionContext } from "./action-context.ts";
import { addSubstituter, type Substituter } from "./add-substituter.ts";
import type { FileChange } from "./change-file.ts";
import { findFork } from "./find-fork.ts";
import { formatJobState, JOB_STATE, type JobState, makeWorkDirectory } from "./job-state.ts";
import { saveStoreNames } from "./new-paths.ts";
import { askCache, planPush, type PushPlan, QUICK_RETRIES } from "./plan-push.ts";
import { type Inputs, readInputs } from "./read-inputs.ts";
import { listTokenSources } from "./token-sources.ts";

/**
 * Runs the first step: makes Nix pull from the cache, and finds out whether the
 * job may push. It fails for an error in the workflow, but not if the cache is
 * unavailable.
 */
export async function runMain(context: ActionContext): Promise<void> {
  const { runner, env } = context;
  const inputs = await readInputs(runner);
  await requireNix(context);
  const fork = await findFork(context);
  const workDirectory = await makeWorkDirectory(env);
  let state: JobState = {
    workDirectory,
    pushBy: undefined,
    reason: "the first step of the action failed",
    publicKeys: [],
    changes: [],
  };
  function save(part: Partial<JobState>): void {
    state = { ...state, ...part };
    runner.saveState(JOB_STATE, formatJobState(state));
  }
  save({});
  await saveStoreNames(workDirectory, context);

  const { storeDir } = findStore(undefined, env);
  const cache = await askCache(inputs.url, storeDir, context);
  const plan = await planPush({
    inputs,
    fork,
    cache,
    sources: listTokenSources(inputs, context),
    async ask(tokens) {
      const { client } = await openCache({ to: inputs.url, tokens }, context, QUICK_RETRIES);
      return await readTokenFacts(client);
    },
  });
  save(tellPlan(plan, context));
  if ("reason" in cache) {
    runner.warning(`Nix does not pull from ${inputs.url}: ${cache.reason}`);
    return;
  }
  const { publicKeys } = cache;
  save({ publicKeys });
  if (!inputs.substitute) return;
  const token = chooseReadToken(inputs, cache, fork);
  if ("reason" in token) {
    runner.warning(`Nix does not pull from ${inputs.url}, which is private: ${token.reason}`);
    return;
  }
  const use = { url: inputs.url, isPrivate: cache.access === "token", publicKeys };
  const onChange = (change: FileChange) => save({ changes: [...state.changes, change] });
  await substitute({ use, ...token, workDirectory, onChange }, context);
}

async function requireNix(context: ActionContext): Promise<void> {
  try {
    await runNix({ program: "nix", args: ["--version"] }, context);
  } catch (error) {
    throw new ClientError(
      `${describeError(error)}. Put this step after the step that installs Nix, such as cachix/install-nix-action`,
      { cause: error },
    );
  }
}

/** Writes the plan into the log and into the outputs of the action. */
function tellPlan(plan: PushPlan, { runner }: ActionContext): Pick<JobState, "pushBy" | "reason"> {
  runner.setOutput("pushes", String(plan.kind === "push"));
  const reason = plan.kind === "push" ? "" : plan.reason;
  runner.setOutput("reason", reason);
  switch (plan.kind) {
    case "push":
      runner.info(`this job pushes its new paths when it ends, with the token ${plan.name}`);
      return { pushBy: plan.by, reason };
    case "try":
      runner.warning(`${reason}. The job tries again to push when it ends`);
      return { pushBy: plan.by, reason };
    case "pull-only": {
      const line = `this job only pulls: ${reason}`;
      if (plan.isMeant) runner.notice(line);
      else runner.warning(line);
      return { pushBy: undefined, reason };
    }
  }
}

/**
 * Returns the token that Nix sends to a private cache. An OIDC token cannot be
 * used, because it expires within minutes.
 */
function chooseReadToken(
  { token }: Inputs,
  { access }: GatewayFacts,
  fork: string | undefined,
): { readonly token: string | undefined } | { readonly reason: string } {
  if (access === "public") return { token: undefined };
  if (fork !== undefined)
    return {
      reason: `the code of this job comes from ${fork}, a fork, which must not get a token`,
    };
  return token === undefined
    ? {
        reason:
          "set the input token. An OIDC token cannot be used to pull, because it expires before the job ends",
      }
    : { token };
}

async function substitute(substituter: Substituter, context: ActionContext): Promise<void> {
  const { runner } = context;
  const { url } = substituter.use;
  try {
    runner.info(`Nix pulls from ${url} (${await addSubstituter(substituter, context)})`);
  } catch (error) {
    if (!(error instanceof ClientError)) throw error;
    runner.warning(`Nix does not pull from ${url}: ${error.message}`);
  }
}
