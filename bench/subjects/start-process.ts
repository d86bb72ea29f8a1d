import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A running program that serves on a port until it is stopped. */
export interface RunningProcess {
  readonly pid: number;
  /** The URL of the port, as in `http://127.0.0.1:49152`. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Sends SIGTERM, and SIGKILL if the program has not ended after 3 seconds. */
  stop(): Promise<void>;
}

/** A program, its arguments, and the port on which it will serve. */
export interface ProgramToStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  /** The environment, and the user that the program runs as. Without them, those of this process. */
  readonly options?: Pick<SpawnOptions, "env" | "uid" | "gid" | "stdio">;
  /** Whether the program starts others, which must end with it even if it is killed. */
  readonly startsOthers?: boolean;
}

const START_MILLISECONDS = 15_000;
const STOP_MILLISECONDS = 3000;

const running = new Map<ChildProcess, () => void>();
process.once("exit", () => {
  for (const kill of running.values()) kill();
});

/** Kills `child` when this process ends, for any reason. */
export function endWithThisProcess(
  child: ChildProcess,
  kill: () => void = () => void child.kill("SIGKILL"),
): void {
  running.set(child, kill);
  child.once("exit", () => running.delete(child));
}

/** Kills the process group of a program that was started as its leader. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
  } catch {
    // All of its processes have ended.
  }
}

/**
 * Starts a program. Resolves once it accepts connections. Throws if it ends, if it
 * takes longer than 15 seconds, or if another program uses its port.
 */
export async function startProcess(start: ProgramToStart): Promise<RunningProcess> {
  const { program, args, port } = start;
  if (await acceptsConnections(port))
    throw new Error(`cannot start ${program}: another program uses port ${port}`);
  const { startsOthers = false } = start;
  const child = spawn(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    ...start.options,
    detached: startsOthers,
  });
  const kill = () => void (startsOthers ? killGroup(child) : child.kill("SIGKILL"));
  endWithThisProcess(child, kill);
  let said = "";
  child.stderr?.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  let failure: Error | undefined;
  const ended = new Promise<void>((resolve) => {
    child.once("error", (error) => {
      failure = error;
      resolve();
    });
    child.once("close", () => {
      failure ??= new Error(`${program} ended:\n${said}`);
      resolve();
    });
  });

  const startedAt = performance.now();
  while (!(await acceptsConnections(port))) {
    if (performance.now() - startedAt > START_MILLISECONDS) {
      kill();
      failure ??= new Error(
        `${program} did not accept connections within ${START_MILLISECONDS / 1000} s:\n${said}`,
      );
    }
    if (failure !== undefined) throw failure;
    await sleep(2);
  }
  // If this program has ended, another program accepted the connection.
  if (child.exitCode !== null || child.signalCode !== null) await ended;
  if (failure !== undefined) throw failure;
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    child,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(kill, STOP_MILLISECONDS);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function acceptsConnections(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    socket.once("error", () => resolve(false));
    socket.once("connect", () => {
      // While nothing listens, Linux may give a socket its target as its own port, and
      // connect it to itself.
      const isItself = socket.localPort === port;
      socket.destroy();
      resolve(!isItself);
    });
  });
}
