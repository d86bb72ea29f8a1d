import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { findFreePort } from "../../../testkit/node/find-free-port.ts";
import { runCanary } from "../../../testkit/node/run-canary.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

const SCRIPT = path.resolve(import.meta.dirname, "../../../tools/b2-server/main.ts");

let child: ChildProcess | undefined;

/** Runs what `npm run bucket` runs, until it has said how to use it, or has ended. */
async function runBucket(environment: Record<string, string>, ...args: readonly string[]) {
  const started = spawn(process.execPath, ["--no-warnings", SCRIPT, ...args], { env: environment });
  child = started;
  let said = "";
  const code = await new Promise<number | null>((resolve) => {
    for (const output of [started.stdout, started.stderr]) {
      output.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        if (said.includes("Ctrl-C stops it.\n")) resolve(null);
      });
    }
    started.once("close", resolve);
  });
  return { code, said };
}

afterEach(async () => {
  if (child?.exitCode === null) {
    const ended = new Promise((resolve) => child?.once("close", resolve));
    child.kill("SIGINT");
    await ended;
  }
});

describe("npm run bucket", { timeout: 30_000 }, () => {
  it("prints settings with which the canary finds no fault, and keeps them", async () => {
    const environment = {
      PORT: String(await findFreePort()),
      BUCKET_STATE: await temporaryDirectory(),
    };
    const { said } = await runBucket(environment);
    const settings = Object.fromEntries(
      [...said.matchAll(/\b(B2_\w+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]),
    );
    expect(Object.keys(settings)).toHaveLength(6);
    const canary = await runCanary([], settings);
    expect(canary.stdout).toContain(" 0 FAIL");
    child?.kill("SIGINT");
    await new Promise((resolve) => child?.once("close", resolve));
    expect((await runBucket(environment)).said).toBe(said);
  });

  it("says that its port is taken", async () => {
    const PORT = String(await findFreePort());
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(Number(PORT), "127.0.0.1", resolve));
    const { code, said } = await runBucket({ PORT, BUCKET_STATE: await temporaryDirectory() });
    other.close();
    expect({ code, said }).toEqual({
      code: 2,
      said: `Cannot start: port ${PORT} is in use; set PORT to another port\n`,
    });
  });

  it.each([
    { args: ["x"], port: "0", message: "npm run bucket does not know the argument x" },
    { args: [], port: "x", message: "PORT must be a number" },
  ])("refuses the port $port with $args", async ({ args, port, message }) => {
    const { code, said } = await runBucket({ PORT: port }, ...args);
    expect(code).toBe(2);
    expect(said).toContain(`Cannot start: ${message}`);
  });
});
