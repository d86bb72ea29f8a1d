import * as core from "@actions/core";

/** What the action reads from the runner that runs it, and says to it. */
export interface Runner {
  /** Trimmed; empty where it is not set. */
  input(name: string): string;
  /** What the first step saved for the last one; empty where it did not. */
  state(name: string): string;
  saveState(name: string, value: string): void;
  setOutput(name: string, value: string): void;
  /** For this step and those after it. */
  exportVariable(name: string, value: string): void;
  /** From here on the runner prints *** in the place of it. */
  mask(secret: string): void;
  info(line: string): void;
  notice(line: string): void;
  warning(line: string): void;
  /** The step fails, and goes on. */
  fail(line: string): void;
  group<T>(name: string, task: () => Promise<T>): Promise<T>;
  /** Adds Markdown to the job's summary, where the runner has one. */
  addToSummary(markdown: string): Promise<void>;
}

// Prefixed, since annotations stand apart from the step that made them.
const PREFIX = "nargate: ";

/** The runner of GitHub, and of Forgejo and Gitea, which speak the same. */
export function createRunner(): Runner {
  return {
    input: (name) => core.getInput(name),
    state: (name) => core.getState(name),
    saveState: (name, value) => core.saveState(name, value),
    setOutput: (name, value) => core.setOutput(name, value),
    exportVariable: (name, value) => core.exportVariable(name, value),
    mask: (secret) => core.setSecret(secret),
    info: (line) => core.info(PREFIX + line),
    notice: (line) => core.notice(PREFIX + line),
    warning: (line) => core.warning(PREFIX + line),
    fail: (line) => core.setFailed(PREFIX + line),
    group: (name, task) => core.group(PREFIX + name, task),
    async addToSummary(markdown) {
      if ((process.env["GITHUB_STEP_SUMMARY"] ?? "") === "") return;
      await core.summary.addRaw(markdown, true).write();
    },
  };
}
