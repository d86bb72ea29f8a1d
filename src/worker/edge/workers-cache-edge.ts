import type { BucketMeter } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { FAILURES, type FailureCode } from "../../api/failures/failures.ts";
import { formatByteRange } from "../../http/request-headers.ts";
import type { CachedEntrypoint, Edge, EdgeAnswer, EdgeRead, Origin } from "./edge.ts";
import type { EdgeKeys } from "./edge-key.ts";

/**
 * Headers between the gateway and its cached entrypoint. No client sends or
 * sees them: the gateway builds the inner request anew and passes on only the
 * headers it knows.
 */
const FILLED_FOR = "nargate-filled-for";
const PUSHING = "nargate-pushing";
const FAILURE = "nargate-failure";
const COST = "nargate-bucket-cost";

/**
 * Cloudflare's Workers Cache: tiered, and collapsing concurrent misses. It
 * stands between the gateway and an entrypoint of the same worker, keys by the
 * URL's path, strips Range before that entrypoint and slices its 200.
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
      throw new CacheError(toFailureCode(failure), `${key.path}: the cached entrypoint failed`, {
        retryAfterSeconds: Number(response.headers.get("retry-after") ?? "5"),
      });
    }
    // An answer that was filled for another request came from the cache.
    if (response.headers.get(FILLED_FOR) !== fillId) return { response, outcome: "hit" };
    return { response, outcome: "miss", cost: parseCost(response.headers.get(COST)) };
  }

  return {
    async read(read, origin, { objects }) {
      if (objects === undefined) throw new CacheError("misconfigured", "no cached entrypoint");
      const answer = await ask(read, objects);
      const { status, body } = answer.response;
      const isDoubtful = read.isPushing && status === 404 && answer.outcome === "hit";
      const isUnsliced = read.range !== undefined && status !== 206 && status !== 416;
      if (!isDoubtful && !(isUnsliced && status !== 404)) return answer;
      await body?.cancel();
      return { response: await origin(read.key, read.range), outcome: "bypass" };
    },
    // A purge is counted and rare: a push leaves the entry to run out.
    async forget() {},
    async purge(key, { objects }) {
      return (await objects?.purge(keys.urlOf(key))) ?? false;
    },
  };
}

function parseCost(header: string | null): BucketMeter {
  const [requests = 0, milliseconds = 0] = (header ?? "").split(";").map(Number);
  return { requests, milliseconds };
}

function toFailureCode(text: string): FailureCode {
  return Object.hasOwn(FAILURES, text) ? (text as FailureCode) : "internal";
}

/**
 * The inside of the cached entrypoint. Ranges are the cache's: it answers with
 * the whole object. Failures are answered with their status, so that the cache
 * can serve a stale entry in their place.
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
    const response = await origin(key.value, undefined);
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
