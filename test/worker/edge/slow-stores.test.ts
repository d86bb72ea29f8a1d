import { describe, expect, it } from "vitest";
import { createCacheApiEdge, type EdgeStore } from "../../../src/worker/edge/cache-api-edge.ts";
import { platformClock } from "../../../src/worker/clock.ts";
import {
  createContext,
  createOrigin,
  createOwnKeys,
  found,
  NAR,
  NARINFO,
  notFound,
  textOf,
} from "../../../testkit/workerd/edge.ts";

// A miss waits for the look in the edge and for the bucket, and for nothing else. These
// stores never end a `put`: an answer that waits for one never comes.

const NEVER = new Promise<never>(() => {});

const stores: readonly { readonly what: string; readonly put: EdgeStore["put"] }[] = [
  { what: "takes the entry and never ends", put: () => NEVER },
  {
    what: "reads the beginning and then stalls",
    async put(_, response) {
      await response.body?.getReader().read();
      return await NEVER;
    },
  },
];

describe.each(stores)("a store that $what", ({ put }) => {
  it.each([
    { what: "a narinfo", key: NARINFO, answer: found("a narinfo"), text: "a narinfo" },
    { what: "an absent narinfo", key: NARINFO, answer: notFound(), text: "" },
    {
      what: "a NAR",
      key: NAR,
      answer: found("a NAR".repeat(10_000)),
      text: "a NAR".repeat(10_000),
    },
  ])("does not keep the client from $what", async ({ key, answer, text }) => {
    const store: EdgeStore = { match: async () => undefined, put, delete: async () => false };
    const { origin } = createOrigin(answer);
    const edge = createCacheApiEdge(store, createOwnKeys(), platformClock.sleep);
    const read = { key, range: undefined, isPushing: false };
    const { response, outcome } = await edge.read(read, origin, createContext());
    expect(outcome).toBe("miss");
    expect(await textOf(response)).toBe(text);
  });
});
