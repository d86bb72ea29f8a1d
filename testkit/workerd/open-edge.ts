import { platformClock } from "../../src/worker/clock.ts";
import { createBucketMeter } from "../../src/worker/bucket/bucket.ts";
import { createCacheApiEdge } from "../../src/worker/edge/cache-api-edge.ts";
import type { EdgeRead } from "../../src/worker/edge/edge.ts";
import {
  answerInnerRequest,
  createWorkersCacheEdge,
} from "../../src/worker/edge/workers-cache-edge.ts";
import { toFailure } from "../../src/worker/failure-response.ts";
import {
  createContext,
  createOrigin,
  createOwnKeys,
  found,
  type MadeAnswer,
  NAR,
  NARINFO,
  textOf,
} from "./edge.ts";
import { createFakeWorkersCache, type FakeWorkersCacheOptions } from "./fake-workers-cache.ts";

/** Opens an edge over the real Cache API in front of these answers. */
export function openCacheApiEdge(...answers: readonly MadeAnswer[]) {
  const { origin, asked } = createOrigin(...answers);
  const keys = createOwnKeys();
  // oxlint-disable-next-line no-restricted-globals -- the tests of its one user
  const edge = createCacheApiEdge(caches.default, keys, platformClock.sleep);
  const context = createContext();
  return {
    asked,
    edge,
    keys,
    context,
    /** Reads, and waits until the edge has stored the answer. */
    async read(wanted: Partial<EdgeRead> = {}) {
      const { response, outcome } = await edge.read(
        { key: NAR, range: undefined, isPushing: false, ...wanted },
        origin,
        context,
      );
      const text = await textOf(response);
      await context.settle();
      return { status: response.status, outcome, text, headers: response.headers };
    },
  };
}

/** Opens the gateway's side and the entrypoint's side, with the documented cache between them. */
export function openWorkersCacheEdge(
  answers: readonly MadeAnswer[],
  options: FakeWorkersCacheOptions = {},
) {
  const { origin: inner, asked } = createOrigin(...answers);
  const direct = createOrigin(found("from the bucket"));
  const keys = createOwnKeys();
  const cache = createFakeWorkersCache((request) => {
    const meter = createBucketMeter();
    return answerInnerRequest(
      request,
      keys,
      async (key, range) => {
        meter.requests += 2;
        meter.milliseconds += 30;
        return await inner(key, range);
      },
      meter,
      toFailure,
    );
  }, options);
  const edge = createWorkersCacheEdge(keys);
  return {
    /** The requests to the bucket that came through the cache, and (`past`) those that went past it. */
    asked,
    past: direct.asked,
    cache,
    edge,
    keys,
    async read(wanted: Partial<EdgeRead> = {}) {
      const read = { key: NARINFO, range: undefined, isPushing: false, ...wanted };
      const answer = await edge.read(read, direct.origin, createContext(cache));
      const { status, headers } = answer.response;
      return { ...answer, status, headers, text: await textOf(answer.response) };
    },
  };
}
