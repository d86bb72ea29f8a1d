import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

const PROGRAM = fileURLToPath(new URL("../../tools/start/main.ts", import.meta.url));
const START_MILLISECONDS = 15_000;

/** Runs `npm start` in front of the bucket that the settings name. Resolves once it answers. */
export async function startLocalNargate(
  settings: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  const port = await findFreePort();
  const running = await startProcess({
    program: process.execPath,
    args: ["--no-warnings", PROGRAM],
    port,
    // The worker's process.
    startsOthers: true,
    options: { env: { ...process.env, ...settings, PORT: String(port) } },
  });
  // An accepted connection is not enough: `npm start` first listens on the port for a
  // moment, to see whether it is free.
  const startedAt = performance.now();
  while (!(await answers(running.url))) {
    if (performance.now() - startedAt > START_MILLISECONDS) {
      await running.stop();
      throw new Error(`npm start did not answer within ${START_MILLISECONDS / 1000} s`);
    }
    await sleep(10);
  }
  return running;
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/nix-cache-info`);
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
