import { isDecodedByPlatform } from "../../../http/text-decoding.ts";
import { CacheError } from "../../cache-error.ts";
import { FAILURES } from "../../../api/failures/failures.ts";
import { type ByteRange, parseByteRange, matchesEntityTag } from "../../../http/request-headers.ts";
import { CACHE_CONTROL } from "../../../http/cache-control.ts";
import { NOSNIFF } from "../../../http/response-headers.ts";
import { type NarinfoKey, type ObjectKey, parseObjectKey } from "../../../nix/object-key.ts";
import { type Edge, noEdge } from "../../edge/edge.ts";
import { absent, entityTagOf, objectHeaders, readFromBucket } from "../../serve/origin.ts";
import { admitReader } from "../admit.ts";
import { readCacheInfo } from "./cache-info.ts";
import { cacheReads, type Exchange, openBucket, rawObjectPath } from "../exchange.ts";

/** GET and HEAD of every object of the cache. */
export async function readObject(exchange: Exchange): Promise<Response> {
  const { request } = exchange;
  const { isPrivate } = cacheReads(exchange);
  const { isPushing } = await admitReader(exchange);
  const parsed = parseObjectKey(rawObjectPath(request.url));
  if (!parsed.ok) throw new CacheError("bad-path", parsed.error);
  const key = parsed.value;
  exchange.key = key;
  // The file has another spelling too, such as /%6eix-cache-info, and still one answer.
  if (key.kind === "cache-info") return await readCacheInfo(exchange);

  if (key.kind === "narinfo" && !isPushing && isKnownAbsent(key, exchange)) {
    exchange.outcome = "filter";
    // It may be 10 seconds old already, so no cache may keep it for longer.
    const cacheControl = isPrivate ? CACHE_CONTROL.private : CACHE_CONTROL.never;
    return notFound({ ...NOSNIFF, "cache-control": cacheControl });
  }

  // Only a pusher sends HEAD for anything but a narinfo, and it must see the bucket
  // itself: an answer of the edge could make Nix leave out a NAR.
  const answer =
    request.method === "HEAD" && key.kind !== "narinfo"
      ? await headObject(key, exchange)
      : await getObject(key, isPushing, exchange).catch((error: unknown) =>
          answerUnavailable(error, key, isPushing, exchange),
        );
  return answerClient(answer, key, isPrivate, request);
}

async function getObject(key: ObjectKey, isPushing: boolean, exchange: Exchange) {
  const { gateway, request, edgeContext, meter } = exchange;
  const cache = cacheReads(exchange);
  const { storeDir } = cache;
  const { log } = gateway;
  const onUse = gateway.sampleUses(cache, exchange.catalogs, (promise) =>
    edgeContext.waitUntil(promise),
  );
  const { response, outcome, cost } = await openEdgeFor(exchange, isPushing).read(
    { key, range: wantedRange(key, request), isPushing },
    (wanted, range) =>
      readFromBucket(wanted, range, { bucket: openBucket(exchange), storeDir, log, onUse }),
    edgeContext,
  );
  exchange.outcome = outcome;
  if (cost !== undefined) {
    meter.requests += cost.requests;
    meter.milliseconds += cost.milliseconds;
  }
  return response;
}

/** Whether this isolate knows that the narinfo is absent, with ABSENT=filter. Asks the bucket only after the answer. */
function isKnownAbsent({ hash }: NarinfoKey, exchange: Exchange): boolean {
  const absences = exchange.gateway.openAbsences(cacheReads(exchange));
  if (absences === undefined) return false;
  const refreshing = absences.refresh();
  if (refreshing !== undefined) exchange.edgeContext.waitUntil(refreshing);
  return absences.isAbsent(hash);
}

/**
 * Returns the edge of the cache, or none for a pusher that asks for the bucket's own
 * answer: a narinfo that somebody removed from the bucket may still be at the edge.
 */
function openEdgeFor(exchange: Exchange, isPushing: boolean): Edge {
  const wants = exchange.request.headers.get("cache-control") ?? "";
  if (isPushing && /\bno-cache\b/i.test(wants)) return noEdge;
  return exchange.gateway.openEdge(cacheReads(exchange));
}

/**
 * Answers 404 for a narinfo while the bucket is down, if BUCKET_DOWN is "miss". A
 * 5xx on one narinfo makes Nix give up the whole build, even if another cache has
 * the path. No cache may keep this 404, and a pusher gets the true failure.
 */
function answerUnavailable(
  error: unknown,
  key: ObjectKey,
  isPushing: boolean,
  exchange: Exchange,
): Response {
  const { gateway, requestId } = exchange;
  const { bucketDown } = cacheReads(exchange);
  const isBucket = error instanceof CacheError && error.code.startsWith("bucket-");
  if (bucketDown !== "miss" || key.kind !== "narinfo" || isPushing || !isBucket) throw error;
  gateway.log("warn", "unavailable-as-miss", { requestId, path: key.path, detail: error.message });
  return new Response(null, { status: 404, headers: { "cache-control": CACHE_CONTROL.never } });
}

async function headObject(key: ObjectKey, exchange: Exchange): Promise<Response> {
  const stored = await openBucket(exchange).head(key.path);
  if (stored === undefined) return absent(key);
  const headers = objectHeaders(key, stored);
  if (stored.contentEncoding !== undefined) {
    // A narinfo comes out decoded, and its decoded length is not known here.
    if (key.kind === "narinfo" && isDecodedByPlatform(stored.contentEncoding)) {
      headers.delete("content-length");
    } else headers.set("content-encoding", stored.contentEncoding);
  }
  return new Response(null, { headers });
}

/** Returns the range to serve. Only NARs have ranges, because Nix resumes only them. If-Range with another tag asks for the whole object. */
function wantedRange(key: ObjectKey, request: Request): ByteRange | undefined {
  if (key.kind !== "nar" || request.method !== "GET") return undefined;
  const condition = request.headers.get("if-range");
  if (condition !== null && condition !== entityTagOf(key)) return undefined;
  return parseByteRange(request.headers.get("range"));
}

/** The headers of a stored answer that the client gets. The edge adds headers of its own, which it must not get. */
const PASSED_HEADERS = [
  "cache-control",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "etag",
  "last-modified",
] as const;

function answerClient(
  answer: Response,
  key: ObjectKey,
  isPrivate: boolean,
  request: Request,
): Response {
  const headers = passedHeaders(answer);
  if (isPrivate) headers["cache-control"] = CACHE_CONTROL.private;
  if (key.kind === "nar" && answer.status !== 404) headers["accept-ranges"] = "bytes";

  if (answer.status === 404) return notFound(headers);
  if (answer.status === 416) {
    headers["cache-control"] = CACHE_CONTROL.never;
    delete headers["content-length"];
    return new Response(null, { status: 416, headers });
  }
  const { etag } = headers;
  if (etag !== undefined && matchesEntityTag(request.headers.get("if-none-match"), etag)) {
    void answer.body?.cancel();
    delete headers["content-length"];
    delete headers["content-range"];
    return new Response(null, { status: 304, headers });
  }
  if (request.method === "HEAD") {
    void answer.body?.cancel();
    return new Response(null, { headers });
  }
  return new Response(answer.body, { status: answer.status, headers });
}

type ClientHeaders = { [name in (typeof PASSED_HEADERS)[number]]?: string } & Record<
  string,
  string
>;

/** Returns the headers as a plain object, because each call of a `Headers` leaves JavaScript and costs time. */
function passedHeaders(answer: Response): ClientHeaders {
  const headers: ClientHeaders = { ...NOSNIFF };
  for (const name of PASSED_HEADERS) {
    const value = answer.headers.get(name);
    if (value !== null) headers[name] = value;
  }
  return headers;
}

function notFound(headers: ClientHeaders): Response {
  headers["content-type"] = "text/plain; charset=utf-8";
  delete headers["content-length"];
  return new Response(`${FAILURES["not-found"].message}\n`, { status: 404, headers });
}
