import * as core from "@actions/core";
import { toLogLine } from "../client/plain-text.ts";

/** The runner that runs the action: its inputs, state, outputs and log. */
export interface Runner {
  /** Returns an input without spaces around it. Empty if it is not set. */
  input(name: string): string;
  /** Returns a value that the first step has saved for the last step. Empty if there is none. */
  state(name: string): string;
  saveState(name: string, value: string): void;
  setOutput(name: string, value: string): void;
  /** Sets a variable for this step and all later steps. */
  exportVariable(name: string, value: string): void;
  /** Makes the runner print *** instead of the secret, from now on. */
  mask(secret: string): void;
  info(line: string): void;
  notice(line: string): void;
  warning(line: string): void;
  /** Marks the step as failed. The step continues to run. */
  fail(line: string): void;
  group<T>(name: string, task: () => Promise<T>): Promise<T>;
  /** Adds Markdown to the summary of the job, if the runner supports summaries. */
  addToSummary(markdown: string): Promise<void>;
}

// The prefix of every line, because annotations are shown apart from the step that made them.
const PREFIX = "nargate: ";

/** Creates the runner of GitHub. The runners of Forgejo and Gitea have the same interface. */
export function createRunner(): Runner {
  return {
    input: (name) => core.getInput(name),
    state: (name) => core.getState(name),
    saveState: (name, value) => core.saveState(name, value),
    setOutput: (name, value) => core.setOutput(name, value),
    exportVariable: (name, value) => core.exportVariable(name, value),
    mask: (secret) => core.setSecret(secret),
    info: (line) => core.info(toLogLine(PREFIX + line)),
    notice: (line) => core.notice(toLogLine(PREFIX + line)),
    warning: (line) => core.warning(toLogLine(PREFIX + line)),
    fail: (line) => core.setFailed(toLogLine(PREFIX + line)),
    group: (name, task) => core.group(toLogLine(PREFIX + name), task),
    async addToSummary(markdown) {
      if ((process.env["GITHUB_STEP_SUMMARY"] ?? "") === "") return;
      await core.summary.addRaw(markdown, true).write();
    },
  };
}
