import { createServer } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { startProcess } from "../../bench/subjects/start-process.ts";
import { findFreePort } from "../../testkit/node/find-free-port.ts";

const program = process.execPath;

/** A program that does `first` and then serves: a connection is taken before the next line runs. */
function serveOn(port: number, first = ""): string[] {
  return ["-e", `${first}; require("http").createServer((_, r) => r.end("x")).listen(${port})`];
}

describe("startProcess", () => {
  it("resolves once the program serves, and ends it", async () => {
    const port = await findFreePort();
    const running = await startProcess({ program, args: serveOn(port), port });
    expect(await (await fetch(running.url)).text()).toBe("x");
    await running.stop();
    expect(running.child.signalCode).toBe("SIGTERM");
  });

  it("ends a program that does not want to end", async () => {
    const port = await findFreePort();
    const args = serveOn(port, "process.on('SIGTERM', () => {})");
    const running = await startProcess({ program, args, port });
    await running.stop();
    expect(running.child.signalCode).toBe("SIGKILL");
  });

  it("ends what a program has started, if the program does not want to end", async () => {
    const [port, otherPort] = [await findFreePort(), await findFreePort()];
    const other = JSON.stringify(serveOn(otherPort));
    const start = `require("child_process").spawn(process.execPath, ${other});`;
    const args = serveOn(port, `process.on("SIGTERM", () => {}); ${start}`);
    const running = await startProcess({ program, args, port, startsOthers: true });
    const url = `http://127.0.0.1:${otherPort}`;
    await vi.waitFor(async () => await fetch(url), { timeout: 5000 });
    await running.stop();
    await vi.waitFor(async () => await expect(fetch(url)).rejects.toThrow("fetch failed"));
  });

  it("throws for a program that ends, with what it said", async () => {
    const port = await findFreePort();
    const args = ["-e", "console.error('no such setting'); process.exit(1)"];
    await expect(startProcess({ program, args, port })).rejects.toThrow("no such setting");
  });

  it("throws for a program that there is not", async () => {
    const start = { program: "/no/such/program", args: [], port: await findFreePort() };
    await expect(startProcess(start)).rejects.toThrow("ENOENT");
  });

  it("throws where another program has the port", async () => {
    const other = createServer();
    const port = await new Promise<number>((resolve) => {
      other.listen(0, "127.0.0.1", () => {
        const address = other.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
    const started = startProcess({ program, args: ["-e", "setInterval(() => {}, 1000)"], port });
    await expect(started).rejects.toThrow(`another program uses port ${port}`);
    other.close();
  });
});
