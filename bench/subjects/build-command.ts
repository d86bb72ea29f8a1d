import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { endWithThisProcess } from "./start-process.ts";

const PROGRAM = fileURLToPath(new URL("../../tools/build/build-command.ts", import.meta.url));

/** Builds the command `nargate` as it is published. Returns the file of its bundle. */
export async function buildCommand(directory: string): Promise<string> {
  const building = promisify(execFile)(process.execPath, ["--no-warnings", PROGRAM, directory]);
  endWithThisProcess(building.child);
  await building;
  return path.join(directory, "nargate.js");
}
