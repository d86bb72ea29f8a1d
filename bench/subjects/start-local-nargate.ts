import { fileURLToPath } from "node:url";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { type RunningProcess, startProcess } from "./start-process.ts";

const PROGRAM = fileURLToPath(new URL("../../tools/start/main.ts", import.meta.url));

/** Runs `npm start` in front of the bucket that the settings name. */
export async function startLocalNargate(
  settings: Readonly<Record<string, string>>,
): Promise<RunningProcess> {
  const port = await findFreePort();
  return await startProcess({
    program: process.execPath,
    args: ["--no-warnings", PROGRAM],
    port,
    // The worker's process.
    startsOthers: true,
    options: { env: { ...process.env, ...settings, PORT: String(port) } },
  });
}
