import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that serves on a port until it is stopped. */
export interface RunningProcess {
  readonly pid: number;
  /** As in `http://127.0.0.1:49152`. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Asks it to end, and ends it after a few seconds if it does not. */
  stop(): Promise<void>;
}

export interface ProgramToStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly stdio?: StdioOptions;
}

const START_MILLISECONDS = 15_000;
const STOP_MILLISECONDS = 3000;

const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Whatever ends this process: what it has started may not go on alone. */
export function endWithThisProcess(child: ChildProcess): void {
  running.add(child);
  child.once("exit", () => running.delete(child));
}

/**
 * Starts a program; resolves once it accepts connections, throws if it ends,
 * takes too long, or if another program has its port.
 */
export async function startProcess(start: ProgramToStart): Promise<RunningProcess> {
  const { program, args, port } = start;
  if (await acceptsConnections(port)) throw new Error(`${program}: port ${port} is taken`);
  const child = spawn(program, args, { stdio: start.stdio ?? ["ignore", "ignore", "pipe"] });
  endWithThisProcess(child);
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
      child.kill("SIGKILL");
      failure ??= new Error(`${program} does not serve:\n${said}`);
    }
    if (failure !== undefined) throw failure;
    await sleep(2);
  }
  // Who answers is another program if this one has ended.
  if (child.exitCode !== null || child.signalCode !== null) await ended;
  if (failure !== undefined) throw failure;
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${port}`,
    child,
    async stop() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MILLISECONDS);
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
      socket.destroy();
      resolve(true);
    });
  });
}
