import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** Whether the real client is on PATH; without it its tests are reported as skipped. */
export const hasNix = spawnSync("nix", ["--version"]).status === 0;

export interface NixMachineOptions {
  /** Goes into the machine's netrc as the password for every gateway of the tests. */
  readonly token?: string;
  /** The only substituter; without one, whatever is not in the store is missing. */
  readonly substituter?: string;
  readonly trustedPublicKeys?: readonly string[];
  /** Further lines of nix.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** After which a program is stopped; enough for every test by default. */
  readonly timeoutMilliseconds?: number;
}

export interface NixResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly milliseconds: number;
}

/** A program of Nix that has not ended yet. */
export interface RunningNix {
  readonly ended: Promise<NixResult>;
  /** As a person does who has lost patience, or a machine that has lost power. */
  kill(): void;
  /** As Ctrl-C does, or whoever stops a job in order. */
  interrupt(signal?: "SIGINT" | "SIGTERM"): void;
}

/** One simulated machine with a user, a store and the caches of its own. */
export interface NixMachine {
  /** For files that only this machine has. */
  readonly directory: string;
  /** Where `/nix/store` is on the disk. */
  readonly storeDirectory: string;
  /** Starts a program of Nix, which may then be killed. */
  start(program: string, ...args: readonly string[]): RunningNix;
  /** Runs a program of Nix and reports how it ended; 124 when it had to be stopped. */
  attempt(program: string, ...args: readonly string[]): Promise<NixResult>;
  /** Runs one that must succeed, and gives what it printed without the last newline. */
  run(program: string, ...args: readonly string[]): Promise<string>;
  /** The same with `input` on its standard input. */
  feed(input: string, program: string, ...args: readonly string[]): Promise<string>;
  /** Has the client forget which paths it saw or missed in which cache. */
  forgetCaches(): Promise<void>;
}

// Longer than any command here takes, and shorter than the 300 s for which an
// old Nix waits when it hangs.
const TIMEOUT_MILLISECONDS = 100_000;
const TIMED_OUT = 124;

/**
 * A machine for Nix without a daemon and without a `/nix`: the store is below
 * `parent`, and the logical paths in it are those of any other machine.
 */
export async function createNixMachine(
  parent: string,
  options: NixMachineOptions = {},
): Promise<NixMachine> {
  const directory = await mkdtemp(path.join(parent, "machine-"));
  const cacheDirectory = path.join(directory, "cache");
  await prepareMachine(directory, options);
  const environment = machineEnvironment(directory);

  function start(program: string, args: readonly string[], input = "") {
    const { timeoutMilliseconds = TIMEOUT_MILLISECONDS } = options;
    return startProgram(program, args, {
      cwd: directory,
      env: environment,
      input,
      timeoutMilliseconds,
    });
  }
  async function feed(input: string, program: string, ...args: readonly string[]) {
    const result = await start(program, args, input).ended;
    if (result.code === 0) return result.stdout.trimEnd();
    const said = result.stderr.trimEnd().split("\n").slice(-20).join("\n");
    throw new Error(`${program} ${args.join(" ")} ended with ${result.code}:\n${said}`);
  }
  return {
    directory,
    storeDirectory: path.join(directory, "root/nix/store"),
    start: (program, ...args) => start(program, args),
    attempt: (program, ...args) => start(program, args).ended,
    run: (program, ...args) => feed("", program, ...args),
    feed,
    forgetCaches: () => rm(cacheDirectory, { recursive: true, force: true }),
  };
}

async function prepareMachine(directory: string, options: NixMachineOptions): Promise<void> {
  const { token, substituter = "", trustedPublicKeys = [], settings = {} } = options;
  for (const name of ["home", "conf"]) await mkdir(path.join(directory, name));
  const netrc = path.join(directory, "home/netrc");
  if (token !== undefined) await writeFile(netrc, `machine 127.0.0.1 password ${token}\n`);
  const lines = Object.entries({
    "build-users-group": "",
    // Builds in a store that is not at /nix/store are sandboxed whatever this says.
    sandbox: "false",
    "sandbox-paths": "/bin/sh=/bin/busybox",
    "experimental-features": "nix-command",
    "fsync-metadata": "false",
    "netrc-file": netrc,
    substituters: substituter,
    "trusted-public-keys": trustedPublicKeys.join(" "),
    ...settings,
  }).map(([name, value]) => `${name} = ${value}\n`);
  await writeFile(path.join(directory, "conf/nix.conf"), lines.join(""));
}

/** Nothing of the user who runs the tests gets in but where the programs are. */
function machineEnvironment(directory: string): Record<string, string> {
  return {
    PATH: process.env["PATH"] ?? "",
    HOME: path.join(directory, "home"),
    XDG_CACHE_HOME: path.join(directory, "cache"),
    NIX_CONF_DIR: path.join(directory, "conf"),
    NIX_USER_CONF_FILES: "/dev/null",
    NIX_REMOTE: `local?root=${path.join(directory, "root")}`,
  };
}

const running = new Set<ChildProcess>();
// Whatever ends this process: no client may go on alone, in a directory that is gone.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

interface Surroundings {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly input: string;
  readonly timeoutMilliseconds: number;
}

function startProgram(
  program: string,
  args: readonly string[],
  { cwd, env, input, timeoutMilliseconds }: Surroundings,
): RunningNix {
  const startedAt = performance.now();
  const child = spawn(program, args, { cwd, env });
  running.add(child);
  child.once("exit", () => running.delete(child));
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  // A program that does not read its input has closed it.
  child.stdin.on("error", () => {});
  child.stdin.end(input);

  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
  }, timeoutMilliseconds);
  const ended = new Promise<NixResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(timer);
      resolve({
        code: isLate ? TIMED_OUT : code,
        stdout: Buffer.concat(stdout).toString(),
        stderr: Buffer.concat(stderr).toString(),
        milliseconds: performance.now() - startedAt,
      });
    });
  });
  return {
    ended,
    kill: () => void child.kill("SIGKILL"),
    interrupt: (signal = "SIGINT") => void child.kill(signal),
  };
}

/**
 * Whether Nix can build here: its sandbox wants Linux with namespaces, and the
 * shell in it Debian's busybox-static. Asked by building something.
 */
export function canBuild(): boolean {
  if (!hasNix || !existsSync("/bin/busybox")) return false;
  const directory = mkdtempSync(path.join(tmpdir(), "nargate-can-build-"));
  try {
    const expression = `derivation { name = "x"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo x > $out" ]; }`;
    const args = ["--no-out-link", "--expr", expression];
    const options = {
      "build-users-group": "",
      "sandbox-paths": "/bin/sh=/bin/busybox",
      substituters: "",
    };
    for (const [name, value] of Object.entries(options)) args.push("--option", name, value);
    const env = machineEnvironment(directory);
    const built = spawnSync("nix-build", args, { env, timeout: 20_000 });
    return built.status === 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
