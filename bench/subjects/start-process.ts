import { type ChildProcess, spawn, type StdioOptions } from "node:child_process";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A program that serves on a port until it is stopped. */
export interface RunningProcess {
  readonly pid: number;
  /** As in `http://127.0.0.1:49152`. */
  readonly url: string;
  readonly child: ChildProcess;
  stop(): Promise<void>;
}

export interface ProgramToStart {
  readonly program: string;
  readonly args: readonly string[];
  readonly port: number;
  readonly stdio?: StdioOptions;
}

const START_MILLISECONDS = 15_000;

const running = new Set<ChildProcess>();
// Whatever ends this process: nothing that it started may go on alone.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a program; resolves once it accepts connections, throws if it ends or takes too long. */
export async function startProcess(start: ProgramToStart): Promise<RunningProcess> {
  const child = spawn(start.program, start.args, {
    stdio: start.stdio ?? ["ignore", "ignore", "pipe"],
  });
  running.add(child);
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
      failure ??= new Error(`${start.program} ended:\n${said}`);
      resolve();
    });
  }).finally(() => running.delete(child));

  const startedAt = performance.now();
  while (!(await acceptsConnections(start.port))) {
    if (performance.now() - startedAt > START_MILLISECONDS) {
      child.kill("SIGKILL");
      failure ??= new Error(`${start.program} does not serve:\n${said}`);
    }
    if (failure !== undefined) throw failure;
    await sleep(2);
  }
  return {
    pid: child.pid ?? 0,
    url: `http://127.0.0.1:${start.port}`,
    child,
    async stop() {
      child.kill("SIGTERM");
      await ended;
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
