import { describe, expect, it } from "vitest";
import { platformClock } from "../../../src/worker/clock.ts";
import { createCacheApiEdge, type EdgeStore } from "../../../src/worker/edge/cache-api-edge.ts";
import { CACHE_CONTROL } from "../../../src/http/cache-control.ts";
import {
  createContext,
  createOrigin,
  createOwnKeys,
  found,
  NAR,
  NARINFO,
  notFound,
} from "../../../testkit/workerd/edge.ts";
import { openCacheApiEdge } from "../../../testkit/workerd/open-edge.ts";

describe("createCacheApiEdge", () => {
  it("keeps nothing for another bucket", async () => {
    const first = openCacheApiEdge(found("one"));
    await first.read();
    expect(await openCacheApiEdge(found("two")).read()).toMatchObject({
      outcome: "miss",
      text: "two",
    });
  });

  it("forgets one object when it is told to", async () => {
    const { read, edge } = openCacheApiEdge(found("0123456789"));
    await read();
    await edge.forget(NARINFO);
    expect(await read()).toMatchObject({ outcome: "hit" });
    await edge.forget(NAR);
    expect(await read()).toMatchObject({ outcome: "miss" });
  });
});

const partial = () =>
  new Response("23", { status: 206, headers: { "cache-control": "max-age=9" } });

describe("a range", () => {
  it.each([
    { what: "a part", range: { first: 2, last: 5 }, text: "2345", contentRange: "bytes 2-5/10" },
    {
      what: "the rest",
      range: { first: 7, last: undefined },
      text: "789",
      contentRange: "bytes 7-9/10",
    },
    { what: "the end", range: { suffixLength: 2 }, text: "89", contentRange: "bytes 8-9/10" },
  ])("is answered with $what of a whole that is kept", async ({ range, text, contentRange }) => {
    const { read, asked } = openCacheApiEdge(found("0123456789"));
    await read();
    const part = await read({ range });
    expect(part).toMatchObject({ status: 206, outcome: "hit", text });
    expect(part.headers.get("content-range")).toBe(contentRange);
    expect(asked).toHaveLength(1);
  });

  it("is answered 416 outside a whole that is kept", async () => {
    const { read, asked } = openCacheApiEdge(found("0123456789"));
    await read();
    expect(await read({ range: { first: 10, last: undefined } })).toMatchObject({
      status: 416,
      outcome: "hit",
    });
    expect(asked).toHaveLength(1);
  });

  it("goes to the bucket when nothing is kept, and is not kept itself", async () => {
    const { read, asked } = openCacheApiEdge(partial, partial, found("0123456789"));
    const range = { first: 2, last: 3 };
    for (let count = 0; count < 2; count++) {
      expect(await read({ range })).toMatchObject({ status: 206, outcome: "bypass", text: "23" });
    }
    expect(await read()).toMatchObject({ outcome: "miss", text: "0123456789" });
    expect(asked.map((question) => question.range)).toEqual([range, range, undefined]);
  });
});

describe("an absence", () => {
  it("is kept for a narinfo", async () => {
    const { read } = openCacheApiEdge(notFound());
    expect(await read({ key: NARINFO })).toMatchObject({ status: 404, outcome: "miss" });
    expect(await read({ key: NARINFO })).toMatchObject({ status: 404, outcome: "hit" });
  });

  it("is not kept for a NAR", async () => {
    const { read } = openCacheApiEdge(notFound(CACHE_CONTROL.never), found("now there"));
    expect(await read()).toMatchObject({ status: 404, outcome: "miss" });
    expect(await read()).toMatchObject({ status: 200, text: "now there" });
  });

  it("is not believed by one who is about to push", async () => {
    const { read } = openCacheApiEdge(notFound(), found("now there"));
    await read({ key: NARINFO });
    expect(await read({ key: NARINFO, isPushing: true })).toMatchObject({
      status: 200,
      outcome: "miss",
      text: "now there",
    });
  });

  it("is not kept for one who is about to push", async () => {
    const { read } = openCacheApiEdge(notFound(), found("now there"));
    expect(await read({ key: NARINFO, isPushing: true })).toMatchObject({ status: 404 });
    expect(await read({ key: NARINFO })).toMatchObject({ status: 200, outcome: "miss" });
  });

  it("does not keep a pusher from what is there", async () => {
    const { read, asked } = openCacheApiEdge(found("0123456789"));
    await read();
    expect(await read({ isPushing: true })).toMatchObject({ outcome: "hit", text: "0123456789" });
    expect(asked).toHaveLength(1);
  });
});

const LENGTH = "content-length";
const MOST = 512 * 1024 * 1024;

describe("what is not kept", () => {
  it.each([
    { what: "an answer that forbids it", headers: { cacheControl: "no-store" } },
    { what: "a gzip body, which would lose its encoding", headers: { "content-encoding": "gzip" } },
    { what: "a br body", headers: { "content-encoding": "br" } },
  ])("is $what", async ({ headers }) => {
    const { read, asked } = openCacheApiEdge(found("0123456789", headers));
    await read();
    expect(await read()).toMatchObject({ outcome: "miss" });
    expect(asked).toHaveLength(2);
  });

  it.each([
    { what: "without Cache-Control", header: "cache-control" },
    { what: "of unknown length, which could be cut without a trace", header: "content-length" },
  ])("is an answer $what", async ({ header }) => {
    const answer = () => {
      const response = found("0123456789")();
      response.headers.delete(header);
      return response;
    };
    const { read } = openCacheApiEdge(answer);
    await read();
    expect(await read()).toMatchObject({ outcome: "miss", text: "0123456789" });
  });

  it.each([
    { what: "the most that the Cache API takes", header: LENGTH, value: MOST, puts: 1 },
    { what: "a byte more", header: LENGTH, value: MOST + 1, puts: 0 },
    { what: "no Cache-Control, which an edge keeps for hours", header: "cache-control", puts: 0 },
  ])("is not even tried, or is: $what", async ({ header, value, puts }) => {
    let count = 0;
    const store: EdgeStore = {
      match: async () => undefined,
      async put(_, response) {
        count++;
        await response.body?.cancel();
      },
      delete: async () => true,
    };
    const { origin } = createOrigin(() => {
      const response = found("short")();
      if (value === undefined) response.headers.delete(header);
      else response.headers.set(header, String(value));
      return response;
    });
    const context = createContext();
    const edge = createCacheApiEdge(store, createOwnKeys(), platformClock.sleep);
    const read = { key: NAR, range: undefined, isPushing: false };
    const { response } = await edge.read(read, origin, context);
    await response.body?.cancel();
    expect(count).toBe(puts);
    await context.settle();
  });

  it("is not an encoding that nobody decodes on the way", async () => {
    const { read } = openCacheApiEdge(found("0123456789", { "content-encoding": "zstd" }));
    await read();
    const second = await read();
    expect(second).toMatchObject({ outcome: "hit", text: "0123456789" });
    expect(second.headers.get("content-encoding")).toBe("zstd");
  });
});
