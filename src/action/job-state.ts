import { readField, readList } from "../client/read-field.ts";
import type { FileChange } from "./change-file.ts";
import type { TokenKind } from "./token-sources.ts";

/** What the first step leaves for the last one. No secret: the runner may log it. */
export interface JobState {
  /** Of this job alone; removed in the end. */
  readonly workDirectory: string;
  /** Undefined where the job only pulls. */
  readonly pushBy: TokenKind | undefined;
  /** Why it only pulls, or what stood in the way at first; empty where nothing did. */
  readonly reason: string;
  /** Of the cache, as far as it told. */
  readonly publicKeys: readonly string[];
  readonly changes: readonly FileChange[];
}

/** The name under which the runner keeps it. */
export const JOB_STATE = "nargate";

export function formatJobState(state: JobState): string {
  return JSON.stringify(state);
}

/** Undefined where the first step did not get so far. */
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
