import { describe, expect, it } from "vitest";
import type { FaultEffect } from "../../../../tools/b2-server/fault-injector.ts";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";

// What docs/http.md promises for each fault that B2 is known for.

const NIX_2_8 = { "user-agent": "curl/7.88.1 Nix/2.8.0" };

describe("a push while the bucket has a bad day", () => {
  const SMALL = 1000;
  const LARGE = 9 * 1024 * 1024;

  it.each<{ what: string; operation: string; effect: FaultEffect; sizeBytes: number }>([
    {
      what: "500 before publishing",
      operation: "PutObject",
      effect: { status: 500, code: "InternalError" },
      sizeBytes: SMALL,
    },
    {
      what: "500 after publishing",
      operation: "PutObject",
      effect: { status: 500, code: "InternalError", afterCommit: true },
      sizeBytes: SMALL,
    },
    {
      what: "a connection lost after the commit",
      operation: "PutObject",
      effect: { dropConnection: "after-commit" },
      sizeBytes: SMALL,
    },
    {
      what: "a part that fails",
      operation: "UploadPart",
      effect: { status: 503, code: "SlowDown" },
      sizeBytes: LARGE,
    },
    {
      what: "a part whose answer is lost",
      operation: "UploadPart",
      effect: { dropConnection: "after-commit" },
      sizeBytes: LARGE,
    },
    {
      what: "a beginning whose answer is lost",
      operation: "CreateMultipartUpload",
      effect: { dropConnection: "after-commit" },
      sizeBytes: LARGE,
    },
    {
      what: "a completion that fails",
      operation: "CompleteMultipartUpload",
      effect: { status: 500, code: "InternalError" },
      sizeBytes: LARGE,
    },
    {
      what: "a completion that ends its 200 with an error",
      operation: "CompleteMultipartUpload",
      effect: { status: 200, code: "InternalError" },
      sizeBytes: LARGE,
    },
    {
      what: "a completion whose answer is lost, and is repeated",
      operation: "CompleteMultipartUpload",
      effect: { dropConnection: "after-commit" },
      sizeBytes: LARGE,
    },
  ])("gets over $what", async ({ operation, effect, sizeBytes }) => {
    const { bucket, push } = await startGateway();
    await bucket.addFaults({ match: { operation }, effect, count: 1 });
    const path = await makeStorePath(HASH, { sizeBytes });
    expect((await push(path.narPath, path.nar)).status).toBe(200);
    const stored = await bucket.getObject(PREFIX + path.narPath.slice(1));
    expect(stored?.bytes.byteLength).toBe(sizeBytes);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(200);
  });

  it.each([
    { what: "PutObject", operation: "PutObject", sizeBytes: SMALL },
    { what: "UploadPart", operation: "UploadPart", sizeBytes: LARGE },
    { what: "CompleteMultipartUpload", operation: "CompleteMultipartUpload", sizeBytes: LARGE },
  ])(
    "is final for an old Nix when $what never succeeds, and publishes nothing",
    async ({ operation, sizeBytes }) => {
      const { bucket, push } = await startGateway();
      await bucket.addFaults({ match: { operation }, effect: { status: 503, code: "SlowDown" } });
      const path = await makeStorePath(HASH, { sizeBytes });
      const response = await push(path.narPath, path.nar, NIX_2_8);
      expect(response.status).toBe(501);
      expect((await push(path.narinfoPath, path.narinfo, NIX_2_8)).status).toBe(400);
      await bucket.clearFaults();
      expect(await bucket.listKeys()).toEqual([]);
      const aborted = await bucket.countRequests({ operation: "AbortMultipartUpload" });
      expect(aborted).toBe(sizeBytes === LARGE ? 1 : 0);
    },
    30_000,
  );

  it("never asks again after 501", async () => {
    const { bucket, push } = await startGateway();
    await bucket.addFaults({
      match: { operation: "PutObject" },
      effect: { status: 501, code: "NotImplemented" },
    });
    const path = await makeStorePath(HASH);
    expect((await push(path.narPath, path.nar)).status).toBe(500);
    expect(await bucket.countRequests({ operation: "PutObject" })).toBe(1);
  });
});

describe("a published narinfo that the bucket cuts", () => {
  it("is read again before anything is merged into it", async () => {
    const { bucket, path, push } = await startFilledGateway();
    const key = PREFIX + path.narinfoPath.slice(1);
    await bucket.addFaults({
      match: { method: "GET", key },
      effect: { cutAfterBytes: 40 },
      count: 2,
    });
    const signed = `${path.narinfo}Sig: later-1:${btoa("x".repeat(64))}\n`;
    expect((await push(path.narinfoPath, signed)).status).toBe(200);
    expect((await bucket.getObject(key))?.text).toBe(signed);
  });

  it("is left alone when it is never whole", async () => {
    const { bucket, path, push } = await startFilledGateway();
    const key = PREFIX + path.narinfoPath.slice(1);
    await bucket.addFaults({ match: { method: "GET", key }, effect: { cutAfterBytes: 40 } });
    const signed = `${path.narinfo}Sig: later-1:${btoa("x".repeat(64))}\n`;
    expect((await push(path.narinfoPath, signed)).status).toBe(503);
    expect((await bucket.getObject(key))?.text).toBe(path.narinfo);
  });
});

describe("pushes at the same instant", () => {
  it("of one NAR both succeed, and its bytes are right", async () => {
    const { bucket, push } = await startGateway();
    const path = await makeStorePath(HASH, { sizeBytes: 9 * 1024 * 1024 });
    const both = await Promise.all([push(path.narPath, path.nar), push(path.narPath, path.nar)]);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const stored = await bucket.getObject(PREFIX + path.narPath.slice(1));
    expect(stored?.bytes.byteLength).toBe(path.nar.byteLength);
  });

  it("of one path with two signatures keep both, also when the look at it is slow", async () => {
    const { bucket, path, push } = await startFilledGateway();
    const sign = (key: string) => `${path.narinfo}Sig: ${key}:${btoa("x".repeat(64))}\n`;
    const narinfoKey = PREFIX + path.narinfoPath.slice(1);
    await bucket.addFaults({
      match: { method: "GET", key: narinfoKey },
      effect: { delayMs: 300 },
      count: 2,
    });
    const both = await Promise.all(["a-1", "b-1"].map((key) => push(path.narinfoPath, sign(key))));
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    const stored = (await bucket.getObject(narinfoKey))?.text ?? "";
    expect(stored.match(/^Sig: [ab]-1:/gm)?.toSorted()).toEqual(["Sig: a-1:", "Sig: b-1:"]);
  });

  it("of two builds of one path publish one of them whole", async () => {
    const { bucket, push, request } = await startGateway();
    const [first, second] = [
      await makeStorePath(HASH, { seed: 1 }),
      await makeStorePath(HASH, { seed: 2 }),
    ];
    for (const path of [first, second]) await push(path.narPath, path.nar);
    await bucket.addFaults({ match: { method: "GET" }, effect: { delayMs: 200 }, count: 2 });
    await Promise.all([first, second].map((path) => push(path.narinfoPath, path.narinfo)));
    const text = await (await request(first.narinfoPath)).text();
    expect([first.narinfo, second.narinfo]).toContain(text);
  });

  it("of two builds of one path refuse one of them with ON_CONFLICT=refuse", async () => {
    const { bucket, push } = await startGateway({ ON_CONFLICT: "refuse" });
    const [first, second] = [
      await makeStorePath(HASH, { seed: 1 }),
      await makeStorePath(HASH, { seed: 2 }),
    ];
    for (const path of [first, second]) await push(path.narPath, path.nar);
    const both = await Promise.all(
      [first, second].map((path) => push(path.narinfoPath, path.narinfo)),
    );
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    const winner = both[0]?.status === 200 ? first : second;
    const stored = await bucket.getObject(PREFIX + first.narinfoPath.slice(1));
    expect(stored?.text).toBe(winner.narinfo);
  });
});
