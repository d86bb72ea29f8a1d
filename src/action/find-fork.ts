import { readFile } from "node:fs/promises";
import type { ProcessContext } from "../client/process-context.ts";
import { readField, readList } from "../client/read-field.ts";

/**
 * Returns the fork from which the code of this job may come, or undefined if it
 * comes from the workflow's own repository. It returns a name also if the event does
 * not say where the code comes from. Such a job must not push even if it has
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
  return mayConcernFork(eventName, payload) ? "an unknown repository" : undefined;
}

/**
 * Whether an event may be about the code of a fork, and its payload does not say from
 * which repository the code comes. The workflow itself is the repository's own, but
 * such workflows often check out what the event is about.
 */
function mayConcernFork(eventName: string, payload: unknown): boolean {
  switch (eventName) {
    case "issue_comment":
      return readField(readField(payload, "issue"), "pull_request") !== undefined;
    case "check_run":
    case "check_suite":
      return !isOfOwnPullRequest(readField(payload, eventName));
    case "status":
      // A commit of a fork is on no branch of this repository.
      return readList(payload, "branches").length === 0;
    default:
      return /^pull_request|^workflow_run$/.test(eventName);
  }
}

function idOf(pullRequest: unknown, side: "head" | "base"): unknown {
  return readField(readField(readField(pullRequest, side), "repo"), "id");
}

/** Whether a check lists pull requests, all of them from the repository itself. GitHub lists none of a fork. */
function isOfOwnPullRequest(check: unknown): boolean {
  const listed = readList(check, "pull_requests");
  const suite = readList(readField(check, "check_suite"), "pull_requests");
  const all = [...listed, ...suite];
  return (
    all.length > 0 &&
    all.every((one) => {
      const head = idOf(one, "head");
      return head !== undefined && head === idOf(one, "base");
    })
  );
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
