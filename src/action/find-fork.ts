import { readFile } from "node:fs/promises";
import type { ProcessContext } from "../client/process-context.ts";
import { readField } from "../client/read-field.ts";

/**
 * The repository that the code of this job may come from, where it is not the
 * workflow's own: a pull request from a fork, or a run after one. Such a job
 * must not push, whatever secrets it was given: `pull_request_target` gives all.
 */
export async function findFork({ env }: Pick<ProcessContext, "env">): Promise<string | undefined> {
  const eventName = env["GITHUB_EVENT_NAME"] ?? "";
  const text = await readFile(env["GITHUB_EVENT_PATH"] ?? "", "utf8").catch(() => "");
  return findForkInEvent(eventName, parseJson(text));
}

/** The same of an event's payload. */
export function findForkInEvent(eventName: string, payload: unknown): string | undefined {
  const own = readField(payload, "repository");
  const pullRequest = readField(payload, "pull_request");
  if (pullRequest !== undefined) {
    const base = readField(readField(pullRequest, "base"), "repo");
    return nameOther(readField(readField(pullRequest, "head"), "repo"), base ?? own);
  }
  const run = readField(payload, "workflow_run");
  if (run !== undefined) return nameOther(readField(run, "head_repository"), own);
  // It is about a pull request, and nobody can say whose.
  return /^pull_request|^workflow_run$/.test(eventName) ? "an unknown repository" : undefined;
}

/** By number, since names can be taken over. A fork that was deleted is null. */
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
