import { describe, expect, it } from "vitest";
import type { StorePathHash } from "../../../src/nix/store-path.ts";
import { createUseSamples } from "../../../src/worker/serve/use-samples.ts";
import { createTestLog } from "../../../testkit/workerd/log.ts";
import { startGateway } from "../../../testkit/workerd/gateway.ts";
import { startFilledGateway } from "../../../testkit/workerd/prepared.ts";

const hashOf = (at: number) => String(at).padStart(32, "0") as StorePathHash;

function startSamples() {
  const sent: (readonly StorePathHash[])[] = [];
  const { log, lines } = createTestLog();
  const windows: (() => void)[] = [];
  const waiting: Promise<unknown>[] = [];
  const samples = createUseSamples(
    async () => await new Promise<void>((resolve) => windows.push(resolve)),
    log,
  );
  let fails = false;
  return {
    sent,
    lines,
    waiting,
    fail: () => (fails = true),
    add: (at: number) =>
      samples.add(hashOf(at), {
        send: async (hashes) => {
          if (fails) throw new Error("the object broke");
          sent.push(hashes);
        },
        waitUntil: (promise) => void waiting.push(promise),
      }),
    async endWindow() {
      windows.shift()?.();
      await Promise.resolve();
      await scheduler.wait(1);
    },
  };
}

describe("createUseSamples", () => {
  it("sends what a window has gathered, once, and each path once", async () => {
    const { add, sent, waiting, endWindow } = startSamples();
    for (const at of [1, 2, 1, 3]) add(at);
    expect([sent.length, waiting.length]).toEqual([0, 1]);
    await endWindow();
    expect(sent).toEqual([[1, 2, 3].map(hashOf)]);
    add(1);
    expect(waiting).toHaveLength(2);
    await endWindow();
    expect(sent).toHaveLength(2);
  });

  it("sends 500 paths at once, whatever the time", async () => {
    const { add, sent, endWindow } = startSamples();
    for (let at = 0; at < 600; at++) add(at);
    await scheduler.wait(1);
    expect(sent.map(({ length }) => length)).toEqual([500]);
    await endWindow();
    expect(sent.map(({ length }) => length)).toEqual([500, 100]);
  });

  it("logs a catalog that fails, and goes on", async () => {
    const { add, sent, lines, waiting, fail, endWindow } = startSamples();
    fail();
    add(1);
    await endWindow();
    await Promise.all(waiting);
    expect(sent).toEqual([]);
    expect(lines).toEqual([
      {
        level: "warn",
        code: "uses-not-noted",
        fields: { paths: 1, detail: "the object broke" },
      },
    ]);
  });
});

describe("a read of a narinfo", () => {
  it("notes a use only if the bucket was asked and had it", async () => {
    const used: string[] = [];
    const { bucket, path } = await startFilledGateway();
    const gateway = await startGateway({ B2_BUCKET: bucket.name }, undefined, (one) => ({
      ...one,
      sampleUses: () => (hash) => void used.push(hash),
    }));
    await gateway.request(`/${"1".repeat(32)}.narinfo`);
    expect(used).toEqual([]);
    expect((await gateway.request(path.narinfoPath)).status).toBe(200);
    expect(used).toEqual([path.hash]);
    await gateway.request(path.narinfoPath);
    await gateway.request(path.narPath);
    expect(used).toEqual([path.hash]);
  });
});
