import { type ByteRange, formatByteRange } from "../../http/request-headers.ts";
import type { Clock } from "../clock.ts";
import type { Edge, EdgeContext } from "./edge.ts";
import type { EdgeKeys } from "./edge-key.ts";

/** As much of Cloudflare's `Cache` as is used. */
export type EdgeStore = Pick<Cache, "match" | "put" | "delete">;

/** The Cache API keeps nothing larger, on any plan. */
const MAX_STORED_BYTES = 512 * 1024 * 1024;

/** The Cache API: one data centre's cache, around the same origin. */
export function createCacheApiEdge(store: EdgeStore, keys: EdgeKeys, sleep: Clock["sleep"]): Edge {
  return {
    async read({ key, range, isPushing }, origin, context) {
      const url = keys.urlOf(key);
      const cached = await store.match(range === undefined ? url : requestOf(url, range));
      if (cached !== undefined) {
        const isUsable =
          range === undefined
            ? cached.status === 200 || (cached.status === 404 && !isPushing)
            : cached.status === 206 || cached.status === 416;
        if (isUsable) return { response: cached, outcome: "hit" };
        await cached.body?.cancel();
      }
      // A part is never kept, and filling the edge with the whole of what one
      // client resumes would cost the bucket a second read.
      if (range !== undefined) return { response: await origin(key, range), outcome: "bypass" };

      const response = await origin(key, undefined);
      if (!isStorable(response, isPushing)) return { response, outcome: "miss" };
      const answer =
        key.kind === "narinfo"
          ? await storeWhole(store, url, response, context)
          : storeAside(store, url, response, context, sleep);
      return { response: answer, outcome: "miss" };
    },

    async forget(key) {
      await store.delete(keys.urlOf(key));
    },
    // The Cache API reaches no other data centre; their entries run out.
    async purge(key) {
      await store.delete(keys.urlOf(key));
      return true;
    },
  };
}

function requestOf(url: string, range: ByteRange): Request {
  return new Request(url, { headers: { range: formatByteRange(range) } });
}

function isStorable(response: Response, isPushing: boolean): boolean {
  const cacheControl = response.headers.get("cache-control") ?? "no-store";
  if (!cacheControl.includes("max-age") || response.status === 206) return false;
  if (response.status === 404) return !isPushing;
  // Without a length a cut body could not be told from a whole one; and a body
  // that passes through a stream here would lose a gzip or br encoding.
  const length = response.headers.get("content-length");
  return (
    length !== null &&
    Number(length) <= MAX_STORED_BYTES &&
    !/^(?:gzip|br)$/.test(response.headers.get("content-encoding") ?? "")
  );
}

/** Stores a narinfo, which the origin has read whole and checked; or the absence of one. */
async function storeWhole(
  store: EdgeStore,
  url: string,
  response: Response,
  context: EdgeContext,
): Promise<Response> {
  const bytes = response.body === null ? null : await response.arrayBuffer();
  context.waitUntil(store.put(url, new Response(bytes, response)));
  return new Response(bytes, response);
}

/** Stores a copy while the original goes to the client, at the client's pace. */
function storeAside(
  store: EdgeStore,
  url: string,
  response: Response,
  context: EdgeContext,
  sleep: Clock["sleep"],
): Response {
  if (response.body === null) return response;
  // The fixed length counts the body natively and breaks when it comes short.
  // The entry may have been stored all the same, so it is deleted then. Counted
  // before it is split: a pipe behind one branch alone buffers 40 MB of it.
  const counted = new FixedLengthStream(Number(response.headers.get("content-length")));
  const counting = response.body.pipeTo(counted.writable);
  const [forClient, forEdge] = counted.readable.tee();
  const storing = store.put(url, new Response(forEdge, response));
  const filling = [endOfCount(counting, storing, sleep), storing];
  context.waitUntil(deleteUnlessFilled(store, url, filling, sleep));
  return new Response(forClient, response);
}

/**
 * The end of the count, or a failure soon after the store's: a store that broke
 * off reads no more, and once the client has left too, the count never ends.
 */
async function endOfCount(
  counting: Promise<void>,
  storing: Promise<void>,
  sleep: Clock["sleep"],
): Promise<void> {
  const failLate = async (): Promise<never> => {
    await sleep(COUNT_GRACE_MILLISECONDS);
    throw new Error("the body was not read to its end");
  };
  await Promise.race([counting, storing.then(failLate, failLate)]);
}

// The count of a body that was read to its end is there within the same turn.
const COUNT_GRACE_MILLISECONDS = 500;

/**
 * `put` resolves as soon as its body breaks off, and what had come of the body
 * may appear as an entry only after that: workerd's local cache needs a few
 * milliseconds, more under load.
 */
const LATE_ENTRY_PAUSES_MILLISECONDS = [0, 50, 1000];

async function deleteUnlessFilled(
  store: EdgeStore,
  url: string,
  filling: readonly Promise<void>[],
  sleep: Clock["sleep"],
): Promise<void> {
  const outcomes = await Promise.allSettled(filling);
  if (outcomes.every((outcome) => outcome.status === "fulfilled")) return;
  for (const pause of LATE_ENTRY_PAUSES_MILLISECONDS) {
    await sleep(pause);
    await store.delete(url);
  }
}
