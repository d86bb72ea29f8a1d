import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { ProcessContext } from "../client/process-context.ts";
import { readField, readList } from "../client/read-field.ts";
import type { FileChange } from "./change-file.ts";
import type { TokenKind } from "./token-sources.ts";

/**
 * The state that the first step saves for the last step. It has no secrets,
 * because the runner may log it.
 */
export interface JobState {
  /** The directory of this job. The last step removes it. */
  readonly workDirectory: string;
  /** The kind of token for pushing. Undefined if the job only pulls. */
  readonly pushBy: TokenKind | undefined;
  /**
   * The reason why the job only pulls, or the first problem with the cache. Empty if
   * there is none.
   */
  readonly reason: string;
  /** The public keys of the cache. Empty if the cache did not answer. */
  readonly publicKeys: readonly string[];
  readonly changes: readonly FileChange[];
}

const WORK_DIRECTORY_PREFIX = "nargate-";

/** Creates the directory of this job, below the runner's own directory for temporary files. */
export async function makeWorkDirectory(env: ProcessContext["env"]): Promise<string> {
  return await mkdtemp(path.join(temporaryDirectoryOf(env), WORK_DIRECTORY_PREFIX));
}

/**
 * Whether the first step may have made this directory. The last step removes it with
 * everything in it, and the state that names it passes through the runner's files.
 */
export function isWorkDirectory(directory: string, env: ProcessContext["env"]): boolean {
  const name = path.basename(directory);
  return (
    directory === path.join(temporaryDirectoryOf(env), name) &&
    new RegExp(`^${WORK_DIRECTORY_PREFIX}[A-Za-z0-9]{6}$`).test(name)
  );
}

function temporaryDirectoryOf(env: ProcessContext["env"]): string {
  return env["RUNNER_TEMP"] || tmpdir();
}

/** The name of the state in the runner. */
export const JOB_STATE = "nargate";

export function formatJobState(state: JobState): string {
  return JSON.stringify(state);
}

/** Returns undefined if the first step failed before it saved a state. */
export function parseJobState(text: string): JobState | undefined {
  if (text === "") return undefined;
  const json: unknown = JSON.parse(text);
  const workDirectory = readField(json, "workDirectory");
  const pushBy = readField(json, "pushBy");
  const reason = readField(json, "reason");
  if (typeof workDirectory !== "string" || typeof reason !== "string") return undefined;
  return {
    workDirectory,
    pushBy: pushBy === "token" || pushBy === "oidc" ? pushBy : undefined,
    reason,
    publicKeys: readList(json, "publicKeys").filter((key) => typeof key === "string"),
    changes: readList(json, "changes").flatMap(readChange),
  };
}

function readChange(value: unknown): readonly FileChange[] {
  const file = readField(value, "file");
  const id = readField(value, "id");
  if (typeof file !== "string" || typeof id !== "string") return [];
  const isTrue = (name: string) => readField(value, name) === true;
  const flags = {
    isRoot: isTrue("isRoot"),
    isSecret: isTrue("isSecret"),
    existed: isTrue("existed"),
  };
  return [{ file, id, ...flags }];
}
