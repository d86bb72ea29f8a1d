/**
 * The typed client of the fake B2's control server. It uses Web APIs alone,
 * so that tests inside workerd may drive the fake that runs in Node.
 */
import type { FaultRule } from "../tools/b2-server/fault-injector.ts";
import type { LoggedRequest, RequestFilter } from "../tools/b2-server/request-log.ts";

/** What `inject("fakeB2")` gives where `fake-b2-global.ts` is set up. */
export interface FakeB2Access {
  readonly endpoint: string;
  readonly controlUrl: string;
  readonly region: string;
  readonly keyId: string;
  readonly secret: string;
  /** A key without `listFiles`. */
  readonly unlisted: { readonly keyId: string; readonly secret: string };
}

declare module "vitest" {
  interface ProvidedContext {
    readonly fakeB2: FakeB2Access;
  }
}

/** An object as it is stored. */
interface FakeObject {
  readonly bytes: Uint8Array;
  readonly text: string;
  readonly etag: string;
  readonly versionId: string;
  /** Content-Type and the like, by lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
}

type BucketRequestFilter = Omit<RequestFilter, "bucket">;

/** One bucket of the fake: its objects, its faults and its requests alone. */
export interface FakeBucket {
  readonly name: string;
  /** Adds faults, which strike in this bucket only, whatever their `match`. */
  addFaults(...rules: readonly FaultRule[]): Promise<void>;
  /** Delays every answer of this bucket. */
  setLatency(latencyMs: number): Promise<void>;
  /** Forgets faults and latency. */
  clearFaults(): Promise<void>;
  /** The requests so far, oldest first. */
  requests(filter?: BucketRequestFilter): Promise<readonly LoggedRequest[]>;
  countRequests(filter?: BucketRequestFilter): Promise<number>;
  clearRequests(): Promise<void>;
  /** Puts an object straight in, past signatures, faults and the log. */
  putObject(
    key: string,
    body: string | Uint8Array<ArrayBuffer>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<void>;
  getObject(key: string): Promise<FakeObject | undefined>;
  listKeys(prefix?: string): Promise<readonly string[]>;
  /** Empties the bucket, and forgets its faults and its requests. */
  reset(): Promise<void>;
}

export interface FakeB2Client {
  /** Makes a bucket that no other test knows. */
  createBucket(): Promise<FakeBucket>;
  bucket(name: string): FakeBucket;
}

export function createFakeB2Client(controlUrl: string): FakeB2Client {
  return {
    async createBucket() {
      const answer = await send(new URL("/buckets", controlUrl), { method: "POST" });
      const { bucket }: { bucket: string } = JSON.parse(await answer.text());
      return createFakeBucket(controlUrl, bucket);
    },
    bucket: (name) => createFakeBucket(controlUrl, name),
  };
}

function createFakeBucket(controlUrl: string, name: string): FakeBucket {
  const url = (path: string, query: Readonly<Record<string, unknown>> = {}): URL => {
    const target = new URL(path, controlUrl);
    for (const [field, value] of Object.entries({ bucket: name, ...query })) {
      if (value !== undefined) target.searchParams.set(field, String(value));
    }
    return target;
  };
  const requests: FakeBucket["requests"] = async (filter = {}) => {
    const answer = await send(url("/requests", filter));
    const list: readonly LoggedRequest[] = JSON.parse(await answer.text());
    return list;
  };
  const post = async (path: string, value: unknown): Promise<void> => {
    await send(url(path), { method: "POST", body: JSON.stringify(value) });
  };
  const remove = async (path: string): Promise<void> => {
    await send(url(path), { method: "DELETE" });
  };
  return {
    name,
    requests,
    addFaults: async (...rules) => post("/faults", { rules }),
    setLatency: async (latencyMs) => post("/faults", { latencyMs }),
    clearFaults: async () => remove("/faults"),
    countRequests: async (filter) => (await requests(filter)).length,
    clearRequests: async () => remove("/requests"),
    async putObject(key, body, headers = {}) {
      const stored = encodeURIComponent(JSON.stringify(headers));
      await send(url("/objects", { key }), {
        method: "POST",
        body,
        headers: { "x-object-headers": stored },
      });
    },
    async getObject(key) {
      const path = `/objects/${key.split("/").map(encodeURIComponent).join("/")}`;
      const answer = await fetch(url(path));
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (answer.status === 404) return undefined;
      if (!answer.ok) throw new Error(`GET ${path} answered ${answer.status}`);
      const described = decodeURIComponent(answer.headers.get("x-object") ?? "");
      const object: Omit<FakeObject, "bytes" | "text"> = JSON.parse(described);
      return { ...object, bytes, text: new TextDecoder().decode(bytes) };
    },
    async listKeys(prefix = "") {
      const answer = await send(url("/objects", { prefix }));
      const keys: readonly string[] = JSON.parse(await answer.text());
      return keys;
    },
    reset: async () => remove("/objects"),
  };
}

async function send(url: URL, init: RequestInit = {}): Promise<Response> {
  const answer = await fetch(url, init);
  if (answer.ok) return answer;
  const text = await answer.text();
  throw new Error(`${init.method ?? "GET"} ${url.pathname} answered ${answer.status}: ${text}`);
}
