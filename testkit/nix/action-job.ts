import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { NixMachine, NixResult } from "./nix-client.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The repository of all workflows here; `GITHUB_CLAIMS` are its. */
export const OWN_REPOSITORY = { id: 74, full_name: "octo-org/octo-repo" };

export interface JobOptions {
  /** What `with:` says. */
  readonly inputs: Readonly<Record<string, string>>;
  readonly eventName?: string;
  readonly payload?: unknown;
  /** Such as what an ID token service gives. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A job that runs the action, as the runner of GitHub does. */
export interface ActionJob {
  /** The step with `uses:`. */
  main(): Promise<NixResult>;
  /** A step with `run:`. */
  run(program: string, ...args: readonly string[]): Promise<NixResult>;
  /**
   * What the runner does in the end; `status` is how the job has gone, and
   * `wrapper` a command that runs the step.
   */
  post(status?: string, wrapper?: readonly string[]): Promise<NixResult>;
  readonly outputs: Readonly<Record<string, string>>;
  /** Markdown. */
  summary(): string;
  /** All that the action's steps have said. */
  log(): string;
  /** The user's own nix.conf. */
  readonly nixConf: string;
  /** Empty between jobs. */
  readonly temporary: string;
}

/** Runs action.yml's files on a simulated machine, with environment files and inputs. */
export async function createActionJob(
  machine: NixMachine,
  { inputs, eventName = "push", payload = {}, env = {} }: JobOptions,
): Promise<ActionJob> {
  const temporary = path.join(machine.directory, "runner-temp");
  await mkdir(temporary, { recursive: true });
  const eventFile = path.join(machine.directory, "event.json");
  await writeFile(eventFile, JSON.stringify({ repository: OWN_REPOSITORY, ...asObject(payload) }));
  const manifest = await readManifest();
  const exported: Record<string, string> = {};
  const states: Record<string, string> = {};
  const outputs: Record<string, string> = {};
  let summary = "";
  let log = "";
  let steps = 0;

  function jobEnvironment(): Record<string, string> {
    return {
      CI: "true",
      GITHUB_ACTIONS: "true",
      GITHUB_EVENT_NAME: eventName,
      GITHUB_EVENT_PATH: eventFile,
      RUNNER_TEMP: temporary,
      ...env,
      ...exported,
    };
  }

  async function start(
    variables: Readonly<Record<string, string>>,
    ...command: readonly string[]
  ): Promise<NixResult> {
    const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    return await machine.start("env", "-u", "NIX_USER_CONF_FILES", ...settings, ...command).ended;
  }

  async function runStep(
    file: string,
    status: string,
    wrapper: readonly string[] = [],
  ): Promise<NixResult> {
    const directory = path.join(machine.directory, `step-${++steps}`);
    await mkdir(directory);
    const files: Record<string, string> = {};
    for (const name of ["ENV", "OUTPUT", "STATE", "STEP_SUMMARY", "PATH"]) {
      files[`GITHUB_${name}`] = path.join(directory, name);
      await writeFile(path.join(directory, name), "");
    }
    const given: Record<string, string> = {};
    for (const [name, value] of Object.entries({ ...manifest.defaults, ...inputs })) {
      // The runner evaluates a default anew for every step of an action.
      const evaluated = value === "${{ job.status }}" ? status : value;
      given[`INPUT_${name.toUpperCase()}`] = evaluated;
    }
    for (const [name, value] of Object.entries(states)) given[`STATE_${name}`] = value;
    const variables = { ...jobEnvironment(), ...files, ...given };
    const result = await start(variables, ...wrapper, process.execPath, path.join(ROOT, file));
    log += result.stdout + result.stderr;
    const read = async (name: string) => await readFile(path.join(directory, name), "utf8");
    Object.assign(exported, parseEnvironmentFile(await read("ENV")));
    Object.assign(outputs, parseEnvironmentFile(await read("OUTPUT")));
    Object.assign(states, parseEnvironmentFile(await read("STATE")));
    summary += await read("STEP_SUMMARY");
    return result;
  }

  return {
    main: () => runStep(manifest.main, "success"),
    run: (program, ...args) => start(jobEnvironment(), program, ...args),
    post: (status = "success", wrapper = []) => runStep(manifest.post, status, wrapper),
    outputs,
    summary: () => summary,
    log: () => log,
    nixConf: path.join(machine.directory, "home/.config/nix/nix.conf"),
    temporary,
  };
}

interface Manifest {
  readonly main: string;
  readonly post: string;
  readonly defaults: Readonly<Record<string, string>>;
}

/** What the tests need of action.yml, whose keys each stand on a line of their own. */
async function readManifest(): Promise<Manifest> {
  const text = await readFile(path.join(ROOT, "action.yml"), "utf8");
  const defaults: Record<string, string> = {};
  let input = "";
  for (const line of text.split("\n")) {
    input = /^ {2}([\w-]+):$/.exec(line)?.[1] ?? input;
    const value = /^ {4}default: (.*)$/.exec(line)?.[1];
    if (value !== undefined) defaults[input] = value.replace(/^"(.*)"$/, "$1");
  }
  const fileOf = (step: string) => new RegExp(`^ {2}${step}: (\\S+)$`, "m").exec(text)?.[1] ?? "";
  return { main: fileOf("main"), post: fileOf("post"), defaults };
}

/** `name=value`, and `name<<end` with the lines up to `end`; the last of a name counts. */
function parseEnvironmentFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? "";
    const [, name, end] = /^([^=<]+)<<(.+)$/.exec(line) ?? [];
    if (name !== undefined && end !== undefined) {
      const last = lines.indexOf(end, at + 1);
      if (last === -1) throw new Error(`${name} has no end`);
      values[name] = lines.slice(at + 1, last).join("\n");
      at = last;
    } else if (line.includes("=")) {
      const split = line.indexOf("=");
      values[line.slice(0, split)] = line.slice(split + 1);
    }
  }
  return values;
}

function asObject(value: unknown): object {
  return typeof value === "object" && value !== null ? value : {};
}
