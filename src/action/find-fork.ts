import { readFile } from "node:fs/promises";
import type { ProcessContext } from "../client/process-context.ts";
import { readField } from "../client/read-field.ts";

/**
 * Returns the fork from which the code of this job may come, or undefined if it
 * comes from the workflow's own repository. The event is then a pull request from
 * a fork, or a `workflow_run` after one. Such a job must not push even if it has
 * the secrets: `pull_request_target` gives all secrets to the job.
 */
export async function findFork({ env }: Pick<ProcessContext, "env">): Promise<string | undefined> {
  const eventName = env["GITHUB_EVENT_NAME"] ?? "";
  const text = await readFile(env["GITHUB_EVENT_PATH"] ?? "", "utf8").catch(() => "");
  return findForkInEvent(eventName, parseJson(text));
}

/** Returns the fork that the payload of an event names. */
export function findForkInEvent(eventName: string, payload: unknown): string | undefined {
  const own = readField(payload, "repository");
  const pullRequest = readField(payload, "pull_request");
  if (pullRequest !== undefined) {
    const base = readField(readField(pullRequest, "base"), "repo");
    return nameOther(readField(readField(pullRequest, "head"), "repo"), base ?? own);
  }
  const run = readField(payload, "workflow_run");
  if (run !== undefined) return nameOther(readField(run, "head_repository"), own);
  // The event is about a pull request, and its payload does not say from which repository.
  return /^pull_request|^workflow_run$/.test(eventName) ? "an unknown repository" : undefined;
}

/**
 * Returns the name of `head` if it is not `base`. Compares numbers, because
 * another person can take over a name. A deleted fork is null.
 */
function nameOther(head: unknown, base: unknown): string | undefined {
  const headId = readField(head, "id");
  if (headId !== undefined && headId === readField(base, "id")) return undefined;
  const name = readField(head, "full_name");
  return typeof name === "string" ? name : "a deleted repository";
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
