import { describe, expect, it } from "vitest";
import { platformClock } from "../../../src/worker/clock.ts";
import { createCacheApiEdge, type EdgeStore } from "../../../src/worker/edge/cache-api-edge.ts";
import {
  createContext,
  createOrigin,
  createOwnKeys,
  found,
  NAR,
  textOf,
} from "../../../testkit/workerd/edge.ts";

// The Cache API stores a body that came short without complaint, and later
// serves it with the length it should have had (Miniflare; in production at
// best not). All of this is about never serving one.

// oxlint-disable-next-line no-restricted-globals -- the tests of its one user
const STORE = caches.default;
const READ = { key: NAR, range: undefined, isPushing: false };

/** 10 bytes announced, and these sent; then it breaks off or ends. */
function broken(text: string, end: "close" | "error"): () => Response {
  return () => {
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(text));
        if (end === "close") controller.close();
        else controller.error(new Error("Network connection lost."));
      },
    });
    const whole = found("0123456789")();
    void whole.body?.cancel();
    return new Response(body, whole);
  };
}

describe("a NAR that comes", () => {
  // At once, since a broken entry is deleted again after a second.
  it.concurrent.each([
    { what: "short", answer: broken("01234", "close") },
    { what: "with a connection that breaks", answer: broken("01234", "error") },
    { what: "with no byte at all", answer: broken("", "close") },
    { what: "longer than was announced", answer: broken("0123456789abc", "close") },
  ])("$what is not kept", async ({ answer }) => {
    const { origin, asked } = createOrigin(answer, found("0123456789"));
    const edge = createCacheApiEdge(STORE, createOwnKeys(), platformClock.sleep);
    const context = createContext();
    const first = await edge.read(READ, origin, context);
    await first.response.arrayBuffer().catch(() => {});
    await context.settle();
    const second = await edge.read(READ, origin, context);
    expect(second.outcome).toBe("miss");
    expect(await textOf(second.response)).toBe("0123456789");
    expect(asked).toHaveLength(2);
    await context.settle();
  });

  it("whole is kept, though its reader goes away in the middle", async () => {
    const { origin, asked } = createOrigin(found("0123456789"));
    const edge = createCacheApiEdge(STORE, createOwnKeys(), platformClock.sleep);
    const context = createContext();
    const { response } = await edge.read(READ, origin, context);
    await response.body?.cancel();
    await context.settle();
    const second = await edge.read(READ, origin, context);
    expect(second.outcome).toBe("hit");
    expect(await textOf(second.response)).toBe("0123456789");
    expect(asked).toHaveLength(1);
  });
});

describe("a store that fails", () => {
  it("does not fail the answer", async () => {
    const store: EdgeStore = {
      match: async () => undefined,
      put: async () => {
        throw new Error("the cache is full");
      },
      delete: async () => false,
    };
    const { origin } = createOrigin(found("0123456789"));
    const context = createContext();
    const { response } = await createCacheApiEdge(store, createOwnKeys(), platformClock.sleep).read(
      READ,
      origin,
      context,
    );
    expect(await textOf(response)).toBe("0123456789");
  });
});
