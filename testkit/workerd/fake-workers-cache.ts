import { parseByteRange, resolveByteRange } from "../../src/http/request-headers.ts";

/**
 * Cloudflare's Workers Cache as documented (developers.cloudflare.com/workers/cache,
 * September 2026), since nothing simulates it locally: one tier of it, by a
 * clock of its own.
 */
export interface FakeWorkersCache {
  /** What the gateway calls: the entrypoint with the cache in front of it. */
  fetch(request: Request): Promise<Response>;
  purge(...urls: readonly string[]): Promise<boolean>;
  /** The requests that reached the entrypoint. */
  readonly passed: readonly Request[];
  /** The number of URLs in each purge. */
  readonly purges: readonly number[];
  advance(seconds: number): void;
}

interface Entry {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly bytes: ArrayBuffer | null;
  readonly storedAt: number;
  readonly maxAge: number;
  /** Seconds after it has gone stale in which a failure is answered with it. */
  readonly staleIfError: number;
}

export interface FakeWorkersCacheOptions {
  /** What is larger is passed on and not kept. */
  readonly maxBytes?: number;
}

/** Statuses that are never kept, whatever they say. */
const isNeverKept = (status: number) => status === 206 || (status >= 520 && status <= 526);

export function createFakeWorkersCache(
  entrypoint: (request: Request) => Promise<Response>,
  { maxBytes = 512 * 1024 * 1024 }: FakeWorkersCacheOptions = {},
): FakeWorkersCache {
  const entries = new Map<string, Entry>();
  const underWay = new Map<string, Promise<Entry | undefined>>();
  const passed: Request[] = [];
  const purges: number[] = [];
  let seconds = 0;

  /** Asks the entrypoint, by GET and for the whole. */
  async function ask(request: Request): Promise<Response> {
    const headers = new Headers(request.headers);
    headers.delete("range");
    const whole = new Request(request.url, { headers });
    passed.push(whole);
    return await entrypoint(whole);
  }

  async function fill(key: string, request: Request): Promise<Response> {
    const response = await ask(request);
    const bytes = response.body === null ? null : await response.arrayBuffer();
    const copy = () => new Response(bytes?.slice(0) ?? null, response);
    const lifetime = lifetimeOf(response, request);
    if (lifetime === undefined || (bytes?.byteLength ?? 0) > maxBytes) return copy();
    const entry = {
      status: response.status,
      headers: [...response.headers],
      bytes,
      storedAt: seconds,
      ...lifetime,
    };
    entries.set(key, entry);
    return answerFrom(entry, request, seconds);
  }

  /** Concurrent misses wait for one answer, and go on alone if it may not be kept. */
  async function fillOnce(key: string, request: Request): Promise<Response> {
    const other = underWay.get(key);
    if (other !== undefined) {
      const entry = await other;
      return entry === undefined ? await fill(key, request) : answerFrom(entry, request, seconds);
    }
    const filling = fill(key, request);
    underWay.set(
      key,
      filling.then(
        () => fresh(key),
        () => undefined,
      ),
    );
    try {
      return await filling;
    } finally {
      underWay.delete(key);
    }
  }

  function fresh(key: string): Entry | undefined {
    const entry = entries.get(key);
    return entry !== undefined && seconds - entry.storedAt < entry.maxAge ? entry : undefined;
  }

  return {
    passed,
    purges,
    advance(by) {
      seconds += by;
    },
    async purge(...urls) {
      purges.push(urls.length);
      // Of more, Cloudflare takes none.
      if (urls.length > 100) return false;
      for (const key of entries.keys()) {
        if (urls.some((url) => key.startsWith(new URL(url).pathname))) entries.delete(key);
      }
      return true;
    },
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      // Neither host nor method: HEAD is asked as GET.
      const key = pathname + search;
      const entry = fresh(key);
      if (entry !== undefined) return answerFrom(entry, request, seconds);
      const stale = entries.get(key);
      const response = await fillOnce(key, request);
      const isKept =
        stale !== undefined && seconds - stale.storedAt < stale.maxAge + stale.staleIfError;
      if (response.status < 500 || !isKept) return response;
      await response.body?.cancel();
      return answerFrom(stale, request, seconds);
    },
  };
}

function lifetimeOf(
  response: Response,
  request: Request,
): Pick<Entry, "maxAge" | "staleIfError"> | undefined {
  const { status, headers } = response;
  if (isNeverKept(status) || headers.has("set-cookie")) return undefined;
  const text = headers.get("cache-control");
  // Without Cache-Control it guesses: this is how a 404 comes to be kept for minutes.
  if (text === null) {
    const guess = status === 404 ? 180 : 7200;
    return status < 500 ? { maxAge: guess, staleIfError: Infinity } : undefined;
  }
  const directives = new Map(
    text.split(",").map((directive) => {
      const [name = "", value = ""] = directive.trim().toLowerCase().split("=");
      return [name, value];
    }),
  );
  if (["no-store", "private", "no-cache"].some((name) => directives.has(name))) return undefined;
  const isOpen = ["public", "must-revalidate", "s-maxage"].some((name) => directives.has(name));
  if (request.headers.has("authorization") && !isOpen) return undefined;
  const maxAge = Number(directives.get("s-maxage") ?? directives.get("max-age") ?? Number.NaN);
  if (!(maxAge > 0)) return undefined;
  const isStrict = directives.has("s-maxage") || directives.has("must-revalidate");
  const staleIfError = directives.get("stale-if-error") ?? (isStrict ? "0" : "Infinity");
  return { maxAge, staleIfError: Number(staleIfError) };
}

/** A kept answer, sliced where a part of a 200 was asked for. */
function answerFrom(entry: Entry, request: Request, seconds: number): Response {
  const headers = new Headers(entry.headers.map(([name, value]) => [name, value]));
  headers.set("age", String(seconds - entry.storedAt));
  headers.set("cf-cache-status", "HIT");
  const { status, bytes } = entry;
  const range = parseByteRange(request.headers.get("range"));
  if (range === undefined || status !== 200 || bytes === null) {
    return new Response(bytes?.slice(0) ?? null, { status, headers });
  }
  const wanted = resolveByteRange(range, bytes.byteLength);
  if (wanted === undefined) {
    headers.set("content-range", `bytes */${bytes.byteLength}`);
    headers.delete("content-length");
    return new Response(null, { status: 416, headers });
  }
  headers.set("content-range", `bytes ${wanted.first}-${wanted.last}/${bytes.byteLength}`);
  headers.set("content-length", String(wanted.last - wanted.first + 1));
  return new Response(bytes.slice(wanted.first, wanted.last + 1), { status: 206, headers });
}
