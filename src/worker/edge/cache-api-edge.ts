import { type ByteRange, formatByteRange } from "../../http/request-headers.ts";
import type { Clock } from "../clock.ts";
import type { Edge, EdgeContext, OriginAnswer } from "./edge.ts";
import type { EdgeKeys } from "./edge-key.ts";

/** The methods of Cloudflare's `Cache` that the edge uses. */
export type EdgeStore = Pick<Cache, "match" | "put" | "delete">;

/** The largest body that the Cache API stores, on every plan of Cloudflare. */
const MAX_STORED_BYTES = 512 * 1024 * 1024;

/**
 * Returns an edge that uses Cloudflare's Cache API. Its entries exist only in the
 * data centre that answered the request.
 */
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
      // The Cache API stores no part of an object. To store the whole object for a
      // client that resumes a download, the bucket would have to send it again.
      if (range !== undefined) {
        const { response } = await origin(key, range);
        return { response, outcome: "bypass" };
      }

      const found = await origin(key, undefined);
      const { response } = found;
      if (!isStorable(response, isPushing)) return { response, outcome: "miss" };
      const answer =
        key.kind === "narinfo"
          ? await storeWhole(store, url, response, context)
          : storeAside(store, url, found, context, sleep);
      return { response: answer, outcome: "miss" };
    },

    async forget(key) {
      await store.delete(keys.urlOf(key));
    },
    // The Cache API cannot delete the entries of other data centres. These expire
    // on their own.
    async purge(objects) {
      await Promise.all(objects.map((key) => store.delete(keys.urlOf(key))));
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
  // Without a length, a cut body would look like a whole one. And the platform
  // decodes a gzip or br body that passes through a stream of the worker.
  const length = response.headers.get("content-length");
  return (
    length !== null &&
    Number(length) <= MAX_STORED_BYTES &&
    !/^(?:gzip|br)$/.test(response.headers.get("content-encoding") ?? "")
  );
}

/**
 * Stores the answer to a request for a narinfo: a narinfo that the origin has read
 * whole and checked, or a 404. Returns the same answer for the client.
 */
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

/**
 * Stores a copy of the answer while the client reads it. Returns the answer for the
 * client. The client's speed sets the speed of both.
 */
function storeAside(
  store: EdgeStore,
  url: string,
  { response, arrived }: OriginAnswer,
  context: EdgeContext,
  sleep: Clock["sleep"],
): Response {
  if (response.body === null) return response;
  const counted =
    arrived === undefined ? count(response.body, response) : { body: response.body, arrived };
  const [forClient, forEdge] = counted.body.tee();
  const storing = store.put(url, new Response(forEdge, response));
  const filling = [endOfCount(counted.arrived, storing, sleep), storing];
  context.waitUntil(deleteUnlessFilled(store, url, filling, sleep));
  return new Response(forClient, response);
}

/** Counts a body that the origin has not counted. */
function count(body: ReadableStream<Uint8Array>, { headers }: Response) {
  // FixedLengthStream counts the body natively, and fails if the body is too
  // short. The edge may have stored the short body as an entry, which is then
  // deleted. The count comes before the split: a pipe on one branch alone makes
  // the runtime buffer 40 MB of the body.
  const { readable, writable } = new FixedLengthStream(Number(headers.get("content-length")));
  return { body: readable, arrived: body.pipeTo(writable) };
}

/**
 * Resolves when the whole body was counted. Rejects if the body is short, or if the
 * count has not ended 500 ms after the end of `put`. Without that limit the count
 * could wait for ever: after a failure `put` reads no more, and if the client has
 * left too, the body has no reader.
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

// A body that was read to its end is counted in the same turn of the event loop,
// so 500 ms are plenty.
const COUNT_GRACE_MILLISECONDS = 500;

/**
 * The pauses before each deletion of a short entry. `put` resolves as soon as its
 * body breaks off. The part of the body that had arrived may appear as an entry
 * only later: in workerd's local cache after a few milliseconds, and after more
 * under load.
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
