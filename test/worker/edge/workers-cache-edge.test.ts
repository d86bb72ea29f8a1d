import { describe, expect, it } from "vitest";
import type { CachedEntrypoint } from "../../../src/worker/edge/edge.ts";
import { CacheError } from "../../../src/worker/cache-error.ts";
import { CACHE_CONTROL } from "../../../src/http/cache-control.ts";
import {
  createContext,
  createOrigin,
  found,
  NAR,
  NARINFO,
  notFound,
} from "../../../testkit/workerd/edge.ts";
import { openWorkersCacheEdge } from "../../../testkit/workerd/open-edge.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const METADATA = { cacheControl: CACHE_CONTROL.metadata };
const down = (): never => {
  throw new CacheError("bucket-unavailable", "a secret of the bucket", { retryAfterSeconds: 7 });
};

describe("createWorkersCacheEdge", () => {
  it("tells a miss, with what it cost at the bucket, from a hit, which cost nothing", async () => {
    const { read, asked } = openWorkersCacheEdge([found("narinfo", METADATA)]);
    expect(await read()).toMatchObject({
      outcome: "miss",
      text: "narinfo",
      cost: { requests: 2, milliseconds: 30 },
    });
    const second = await read();
    expect(second).toMatchObject({ outcome: "hit", text: "narinfo" });
    expect(second.cost).toBeUndefined();
    expect(asked).toHaveLength(1);
  });

  it("sends nothing of the client's and asks by the edge key", async () => {
    const { read, cache, keys } = openWorkersCacheEdge([found("narinfo", METADATA)]);
    await read({ range: { first: 1, last: 2 }, isPushing: true });
    const [request] = cache.passed;
    expect(request?.url).toBe(keys.urlOf(NARINFO));
    expect([...(request?.headers.keys() ?? [])]).toEqual(["nargate-filled-for", "nargate-pushing"]);
  });

  it("lets a burst for one object ask the bucket once", async () => {
    const { read, asked } = openWorkersCacheEdge([found("narinfo", METADATA)]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => read()));
    expect(asked).toHaveLength(1);
    expect(answers.filter(({ outcome }) => outcome === "miss")).toHaveLength(1);
    for (const { text } of answers) expect(text).toBe("narinfo");
  });

  it("asks again once the time is over", async () => {
    const { read, cache } = openWorkersCacheEdge([found("old", METADATA), found("new", METADATA)]);
    await read();
    cache.advance(3599);
    expect(await read()).toMatchObject({ outcome: "hit", text: "old" });
    cache.advance(1);
    expect(await read()).toMatchObject({ outcome: "miss", text: "new" });
  });

  it("does not keep what its Cache-Control forbids", async () => {
    const { read } = openWorkersCacheEdge([found("corrupt", { cacheControl: "no-store" })]);
    await read();
    expect(await read()).toMatchObject({ outcome: "miss" });
  });

  it("cannot do without its entrypoint", async () => {
    const { edge } = openWorkersCacheEdge([found("x")]);
    const { origin } = createOrigin(found("x"));
    const read = { key: NAR, range: undefined, isPushing: false };
    const error = await rejectionOf(edge.read(read, origin, createContext()));
    expect(error.code).toBe("misconfigured");
  });

  it("leaves an entry to run out after a push, and purges it after a deletion", async () => {
    const { read, edge, cache } = openWorkersCacheEdge([
      found("old", METADATA),
      found("new", METADATA),
    ]);
    await read();
    await edge.forget(NARINFO);
    expect(await read()).toMatchObject({ outcome: "hit" });
    await edge.purge([NAR], createContext(cache));
    expect(await read()).toMatchObject({ outcome: "hit" });
    await edge.purge([NARINFO], createContext(cache));
    expect(await read()).toMatchObject({ outcome: "miss", text: "new" });
  });
});

describe("purge", () => {
  it("drops many entries by few purges, of 100 entries at most", async () => {
    const { read, edge, cache } = openWorkersCacheEdge([
      found("old", METADATA),
      found("new", METADATA),
    ]);
    await read();
    const others = Array.from({ length: 204 }, () => NAR);
    expect(await edge.purge([...others, NARINFO], createContext(cache))).toBe(true);
    expect(cache.purges).toEqual([100, 100, 5]);
    expect(await read()).toMatchObject({ outcome: "miss", text: "new" });
  });
});

describe("an absence", () => {
  it("is kept for ten seconds", async () => {
    const { read, cache } = openWorkersCacheEdge([notFound(), found("narinfo", METADATA)]);
    expect(await read()).toMatchObject({ status: 404, outcome: "miss" });
    cache.advance(9);
    expect(await read()).toMatchObject({ status: 404, outcome: "hit" });
    cache.advance(1);
    expect(await read()).toMatchObject({ status: 200, outcome: "miss" });
  });

  it("that is kept is not believed by one who is about to push", async () => {
    const { read, past } = openWorkersCacheEdge([notFound()]);
    await read();
    expect(await read({ isPushing: true })).toMatchObject({
      status: 200,
      outcome: "bypass",
      text: "from the bucket",
    });
    expect(past).toEqual([{ path: NARINFO.path, range: undefined }]);
  });

  it("that a pusher is told is fresh, and is not kept for others", async () => {
    const { read, past } = openWorkersCacheEdge([notFound(), found("narinfo", METADATA)]);
    expect(await read({ isPushing: true })).toMatchObject({ status: 404, outcome: "miss" });
    expect(past).toEqual([]);
    expect(await read()).toMatchObject({ status: 200, outcome: "miss", text: "narinfo" });
  });

  it("of a NAR is kept for nobody, though part of it was asked for", async () => {
    const { read, past } = openWorkersCacheEdge([
      notFound(CACHE_CONTROL.never),
      found("0123456789"),
    ]);
    const range = { first: 2, last: 5 };
    expect(await read({ key: NAR, range })).toMatchObject({ status: 404, outcome: "miss" });
    expect(past).toEqual([]);
    expect(await read({ key: NAR, range })).toMatchObject({ status: 206, text: "2345" });
  });
});

describe("a range", () => {
  it.each([
    { what: "a part", range: { first: 2, last: 5 }, status: 206, text: "2345" },
    { what: "the rest", range: { first: 7, last: undefined }, status: 206, text: "789" },
    { what: "nothing", range: { first: 10, last: undefined }, status: 416, text: "" },
  ])("is cut by the cache, cold and warm: $what", async ({ range, status, text }) => {
    const { read, asked, past } = openWorkersCacheEdge([found("0123456789")]);
    expect(await read({ key: NAR, range })).toMatchObject({ outcome: "miss", status, text });
    expect(await read({ key: NAR, range })).toMatchObject({ outcome: "hit", status, text });
    expect(asked).toEqual([{ path: NAR.path, range: undefined }]);
    expect(past).toEqual([]);
  });

  it("goes to the bucket where the cache gives the whole, as of what is too large", async () => {
    const { read, past } = openWorkersCacheEdge([found("0123456789")], { maxBytes: 9 });
    const range = { first: 2, last: 5 };
    expect(await read({ key: NAR, range })).toMatchObject({
      outcome: "bypass",
      text: "from the bucket",
    });
    expect(past).toEqual([{ path: NAR.path, range }]);
    expect(await read({ key: NAR })).toMatchObject({ outcome: "miss", text: "0123456789" });
  });
});

describe("a failure of the entrypoint", () => {
  it("is thrown as what it was, without what caused it, and is not kept", async () => {
    const { read } = openWorkersCacheEdge([down, found("narinfo", METADATA)]);
    const error = await rejectionOf(read());
    expect(error).toMatchObject({ code: "bucket-unavailable", retryAfterSeconds: 7 });
    expect(error.message).not.toContain("secret");
    expect(await read()).toMatchObject({ status: 200, outcome: "miss" });
  });

  it("gives way to what is kept, for a day after its time", async () => {
    const { read, cache } = openWorkersCacheEdge([found("narinfo", METADATA), down]);
    await read();
    cache.advance(3600 + 86_399);
    expect(await read()).toMatchObject({ status: 200, outcome: "hit", text: "narinfo" });
    cache.advance(1);
    expect(await rejectionOf(read())).toMatchObject({ code: "bucket-unavailable" });
  });

  it("does not give way to an absence, which would be a 404 that nothing proves (law 5)", async () => {
    const { read, cache } = openWorkersCacheEdge([notFound(), down]);
    await read();
    cache.advance(10);
    expect(await rejectionOf(read())).toMatchObject({ code: "bucket-unavailable" });
  });

  it.each([
    { what: "is of no known kind", name: "no-such-code", code: "internal" },
    { what: "is named like a method of every object", name: "toString", code: "internal" },
  ])("that $what is $code", async ({ name, code }) => {
    const objects: CachedEntrypoint = {
      fetch: async () => new Response(null, { status: 500, headers: { "nargate-failure": name } }),
      purge: async () => true,
    };
    const { edge } = openWorkersCacheEdge([found("x")]);
    const { origin } = createOrigin(found("x"));
    const read = { key: NARINFO, range: undefined, isPushing: false };
    expect(await rejectionOf(edge.read(read, origin, createContext(objects)))).toMatchObject({
      code,
      retryAfterSeconds: 5,
    });
  });
});
