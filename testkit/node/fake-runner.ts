import type { Runner } from "../../src/action/runner.ts";

/** A runner that keeps its output in memory. */
export interface FakeRunner extends Runner {
  readonly masked: string[];
  /** All lines with their level, such as `warning: …`. */
  readonly said: string[];
}

const DEFAULTS = {
  url: "https://cache.example.org",
  push: "true",
  "push-on-failure": "true",
  "fail-on-push-error": "false",
  substitute: "true",
  "upstream-keys": "cache.nixos.org-1",
};

/** Creates a runner with the defaults of action.yml and these inputs. */
export function createFakeRunner(inputs: Readonly<Record<string, string>> = {}): FakeRunner {
  const given: Readonly<Record<string, string>> = { ...DEFAULTS, ...inputs };
  const masked: string[] = [];
  const said: string[] = [];
  const say = (level: string) => (line: string) => void said.push(`${level}: ${line}`);
  return {
    masked,
    said,
    input: (name) => given[name] ?? "",
    state: () => "",
    saveState: () => {},
    setOutput: () => {},
    exportVariable: () => {},
    mask: (secret) => void masked.push(secret),
    info: say("info"),
    notice: say("notice"),
    warning: say("warning"),
    fail: say("error"),
    group: async (_name, task) => await task(),
    addToSummary: async () => {},
  };
}
