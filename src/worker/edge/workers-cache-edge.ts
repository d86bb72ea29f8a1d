import type { BucketMeter } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { FAILURES, isFailureCode } from "../../api/failures/failures.ts";
import { formatByteRange } from "../../http/request-headers.ts";
import type { CachedEntrypoint, Edge, EdgeAnswer, EdgeRead, Origin } from "./edge.ts";
import type { EdgeKeys } from "./edge-key.ts";

/** The most entries that Cloudflare takes in one purge. */
const MAX_PURGED = 100;

/**
 * Headers between the gateway and its cached entrypoint. No client can send or see
 * them: the gateway builds a new inner request, and passes on only the headers that
 * it knows.
 */
const FILLED_FOR = "nargate-filled-for";
const PUSHING = "nargate-pushing";
const FAILURE = "nargate-failure";
const COST = "nargate-bucket-cost";

/**
 * Returns an edge that uses Cloudflare's Workers Cache. That cache is tiered, and
 * turns concurrent misses into one request. It stands between the gateway and an
 * entrypoint of the same worker. Its keys are paths of URLs. It removes Range from
 * a request to the entrypoint, and cuts the range out of the entrypoint's 200.
 */
export function createWorkersCacheEdge(keys: EdgeKeys): Edge {
  async function ask(
    { key, range, isPushing }: EdgeRead,
    objects: CachedEntrypoint,
  ): Promise<EdgeAnswer> {
    const fillId = crypto.randomUUID();
    const headers = new Headers({ [FILLED_FOR]: fillId });
    if (range !== undefined) headers.set("range", formatByteRange(range));
    if (isPushing) headers.set(PUSHING, "1");
    const response = await objects.fetch(new Request(keys.urlOf(key), { headers }));
    const failure = response.headers.get(FAILURE);
    if (failure !== null) {
      await response.body?.cancel();
      throw new CacheError(
        isFailureCode(failure) ? failure : "internal",
        `the cached entrypoint failed to read ${key.path}`,
        {
          retryAfterSeconds: Number(response.headers.get("retry-after") ?? "5"),
        },
      );
    }
    // The entrypoint copies the fill id of a request into its answer. An answer with
    // another fill id was made for another request, so it came from the cache.
    if (response.headers.get(FILLED_FOR) !== fillId) return { response, outcome: "hit" };
    return { response, outcome: "miss", cost: parseCost(response.headers.get(COST)) };
  }

  return {
    async read(read, origin, { objects }) {
      if (objects === undefined)
        throw new CacheError(
          "misconfigured",
          "EDGE=workers-cache needs an entrypoint Objects, which this worker lacks",
        );
      const answer = await ask(read, objects);
      const { status, body } = answer.response;
      const isDoubtful = read.isPushing && status === 404 && answer.outcome === "hit";
      const isUnsliced = read.range !== undefined && status !== 206 && status !== 416;
      if (!isDoubtful && !(isUnsliced && status !== 404)) return answer;
      await body?.cancel();
      const { response } = await origin(read.key, read.range);
      return { response, outcome: "bypass" };
    },
    // Cloudflare allows only 5 purges a minute, so a push does not purge. The old
    // entry expires on its own.
    async forget() {},
    async purge(purged, { objects }) {
      const urls = purged.map((key) => keys.urlOf(key));
      for (let at = 0; at < urls.length; at += MAX_PURGED) {
        const isDone = await objects?.purge(...urls.slice(at, at + MAX_PURGED));
        if (isDone !== true) return false;
      }
      return true;
    },
  };
}

function parseCost(header: string | null): BucketMeter {
  const [requests = 0, milliseconds = 0] = (header ?? "").split(";").map(Number);
  return { requests, milliseconds };
}

/**
 * Answers a request inside the cached entrypoint, always with the whole object:
 * the cache cuts ranges. A failure is answered with its status, so that the cache
 * can serve a stale entry instead. `onFailure` turns a thrown value into the error
 * that is answered.
 */
export async function answerInnerRequest(
  request: Request,
  keys: EdgeKeys,
  origin: Origin,
  meter: BucketMeter,
  onFailure: (error: unknown) => CacheError,
): Promise<Response> {
  const key = keys.parse(request.url);
  if (!key.ok) return failed(new CacheError("bad-path", `inner request: ${key.error}`));
  try {
    const { response } = await origin(key.value, undefined);
    const { headers } = response;
    headers.set(FILLED_FOR, request.headers.get(FILLED_FOR) ?? "");
    headers.set(COST, `${meter.requests};${meter.milliseconds}`);
    if (response.status === 404 && request.headers.has(PUSHING)) {
      headers.set("cache-control", "no-store");
    }
    return response;
  } catch (error) {
    return failed(onFailure(error));
  }
}

function failed(error: CacheError): Response {
  const headers = new Headers({ [FAILURE]: error.code, "cache-control": "no-store" });
  if (error.retryAfterSeconds !== undefined) {
    headers.set("retry-after", String(error.retryAfterSeconds));
  }
  return new Response(null, { status: FAILURES[error.code].status, headers });
}
