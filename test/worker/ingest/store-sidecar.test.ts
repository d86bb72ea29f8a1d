import { describe, expect, it } from "vitest";
import { storeSidecar } from "../../../src/worker/ingest/store-sidecar.ts";
import { bytesOf, keyOf } from "../../../testkit/workerd/b2.ts";
import { createPush, type TestPush } from "../../../testkit/workerd/push.ts";

const HASH = "w9yy7v61ipb5rx6i35zq1mvc2iqfmps1";
const LISTING = keyOf("listing", `${HASH}.ls`);
const NARINFO = keyOf("narinfo", `${HASH}.narinfo`);
const LOG = keyOf("log", `log/${HASH}-hello-2.10.drv`);
const DEBUGINFO = keyOf("debuginfo", `debuginfo/${"0a".repeat(20)}.debug`);

async function store(
  key: Parameters<typeof storeSidecar>[0]["key"],
  text: string,
  push: TestPush,
  contentEncoding?: string,
) {
  const bytes = bytesOf(text);
  const body = new Blob([bytes]).stream();
  const outcome = await storeSidecar(
    { key, body, lengthBytes: bytes.length, contentEncoding },
    push,
  );
  return { outcome, stored: push.bucket.textOf(key.path), isRead: body.locked };
}

describe("storeSidecar", () => {
  it.each([
    { what: "a listing", key: LISTING, type: "application/json" },
    { what: "a log", key: LOG, type: "text/plain; charset=utf-8" },
    { what: "a debug link", key: DEBUGINFO, type: "application/json" },
  ])("stores $what that is new, and has the edge forget it", async ({ key, type }) => {
    const push = createPush();
    expect(await store(key, "first", push, "br")).toMatchObject({
      outcome: "stored",
      stored: "first",
    });
    expect(push.bucket.objects.get(key.path)).toMatchObject({
      contentType: type,
      contentEncoding: "br",
    });
    expect(push.forgotten).toEqual([key.path]);
  });

  it("stores the last of two logs", async () => {
    const push = createPush();
    await store(LOG, "first", push);
    expect(await store(LOG, "second", push)).toMatchObject({ outcome: "stored", stored: "second" });
  });

  it("keeps the first of two debug links", async () => {
    const push = createPush();
    await store(DEBUGINFO, "first", push);
    expect(await store(DEBUGINFO, "second", push)).toMatchObject({
      outcome: "kept",
      stored: "first",
    });
    expect(push.forgotten).toEqual([DEBUGINFO.path]);
  });

  it("stores the last of two listings as long as their path is not published", async () => {
    const push = createPush();
    await store(LISTING, "first", push);
    expect(await store(LISTING, "second", push)).toMatchObject({ outcome: "stored" });
    push.bucket.setText(NARINFO.path, "narinfo");
    expect(await store(LISTING, "third", push)).toMatchObject({
      outcome: "kept",
      stored: "second",
    });
  });

  it("stores a first listing of a path that is published", async () => {
    const push = createPush();
    push.bucket.setText(NARINFO.path, "narinfo");
    expect(await store(LISTING, "first", push)).toMatchObject({ outcome: "stored" });
  });

  it("reads what it does not keep to its end, so that the client can finish", async () => {
    const push = createPush();
    push.bucket.setText(DEBUGINFO.path, "first");
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent++;
        if (sent > 50) controller.close();
        else controller.enqueue(new Uint8Array(1000));
      },
    });
    await storeSidecar(
      { key: DEBUGINFO, body, lengthBytes: 50_000, contentEncoding: undefined },
      push,
    );
    expect(sent).toBe(51);
  });
});
