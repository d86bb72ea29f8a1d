import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildSmallestWorker, readCompatibilityDate } from "../../bench/subjects/build-worker.ts";
import type { RunningProcess } from "../../bench/subjects/start-process.ts";
import { startWorker } from "../../bench/subjects/start-worker.ts";

let directory = "";
beforeAll(async () => {
  // With a space, as a person's temporary directory may have one.
  directory = await mkdtemp(path.join(tmpdir(), "nargate bench "));
});
afterAll(async () => await rm(directory, { recursive: true }));

/** The smallest worker that uses the Cache API, with the cache worker behind it. */
async function startMatch(keeps: boolean): Promise<RunningProcess> {
  const module = await buildSmallestWorker("match-cache", directory);
  const cache = { module: await buildSmallestWorker("memory-cache", directory), keeps };
  const compatibilityDate = await readCompatibilityDate();
  return await startWorker({ module, compatibilityDate, bindings: {}, cache }, directory);
}

async function put(url: string, status: number, body: string): Promise<void> {
  const response = await fetch(url, { method: "PUT", headers: { status: String(status) }, body });
  expect(await response.text()).toBe("kept\n");
}

describe("memory-cache", () => {
  it("keeps what workerd puts into the Cache API, for each URL", async () => {
    const { url, stop } = await startMatch(true);
    await put(`${url}/a`, 200, "the text of a");
    await put(`${url}/b`, 404, "");
    const [a, b, c] = await Promise.all(
      ["a", "b", "c"].map(async (name) => {
        const response = await fetch(`${url}/${name}`);
        return [response.status, await response.text()];
      }),
    );
    await stop();
    expect({ a, b, c }).toEqual({
      a: [200, "the text of a"],
      b: [404, ""],
      c: [500, "not kept\n"],
    });
  });

  it("has nothing where it is told to keep nothing", async () => {
    const { url, stop } = await startMatch(false);
    await put(`${url}/a`, 200, "the text of a");
    const { status } = await fetch(`${url}/a`);
    await stop();
    expect(status).toBe(500);
  });
});
