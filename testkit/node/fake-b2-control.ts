import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { FaultRule } from "../../tools/b2-server/fault-injector.ts";
import { readFileSlice } from "../../tools/b2-server/answer.ts";
import type { RequestFilter } from "../../tools/b2-server/request-log.ts";
import type { BucketStore } from "../../tools/b2-server/store/bucket-store.ts";
import type { FakeB2 } from "./fake-b2.ts";

export interface FakeB2Control {
  readonly url: string;
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

interface Control {
  readonly fake: FakeB2;
  readonly bucketName: string;
  readonly bucket: BucketStore;
  readonly query: URLSearchParams;
  /** Of `/objects/<key>`, or of `?key=`. */
  readonly key: string;
  readonly request: IncomingMessage;
}

const DONE: Reply = { status: 204 };
const NOT_FOUND: Reply = { status: 404, body: "no such thing" };

/** What tests may ask of the fake, over plain HTTP; `?bucket=` says where. */
const ROUTES: Readonly<Record<string, (control: Control) => Reply | Promise<Reply>>> = {
  async "POST /buckets"({ fake }) {
    const bucket = `test-${randomBytes(8).toString("hex")}`;
    await fake.server.store.openBucket(bucket);
    return json({ bucket });
  },
  async "POST /faults"({ fake, bucketName, request }) {
    const text = (await readAll(request)).toString("utf8");
    const { rules = [], latencyMs }: { rules?: FaultRule[]; latencyMs?: number } = JSON.parse(text);
    const confined = rules.map((rule) => ({
      ...rule,
      match: { ...rule.match, bucket: bucketName },
    }));
    fake.server.faults.add(...confined);
    if (latencyMs !== undefined) fake.server.faults.setLatency(latencyMs, bucketName);
    return DONE;
  },
  "DELETE /faults"({ fake, bucketName }) {
    fake.server.faults.clear(bucketName);
    return DONE;
  },
  "GET /requests"({ fake, bucketName, query }) {
    return json(fake.server.requests.list(readFilter(bucketName, query)));
  },
  "DELETE /requests"({ fake, bucketName }) {
    fake.server.requests.clear(bucketName);
    return DONE;
  },
  async "POST /objects"({ bucket, key, request }) {
    const encoded = request.headers["x-object-headers"]?.toString() ?? "%7B%7D";
    const headers: Record<string, string> = JSON.parse(decodeURIComponent(encoded));
    await bucket.putObject(key, headers, request);
    return DONE;
  },
  async "GET /objects"({ bucket, key, query }) {
    if (key === "") return json(listKeys(bucket, query.get("prefix") ?? ""));
    const version = bucket.index.visible(key);
    if (version === undefined) return NOT_FOUND;
    const { etag, versionId, headers, sizeBytes: length } = version;
    const file = await bucket.openBody(version);
    const described = encodeURIComponent(JSON.stringify({ etag, versionId, headers }));
    const body = await readAll(readFileSlice({ file, start: 0, length }));
    return { status: 200, headers: { "x-object": described }, body };
  },
  async "DELETE /objects"({ fake, bucket, bucketName }) {
    await bucket.clear();
    fake.server.faults.clear(bucketName);
    fake.server.requests.clear(bucketName);
    return DONE;
  },
};

/** Serves `ROUTES` on loopback. */
export async function startFakeB2Control(fake: FakeB2): Promise<FakeB2Control> {
  const server = createServer((request, response) => {
    answer(fake, request)
      .catch((error: unknown): Reply => ({ status: 500, body: String(error) }))
      .then(({ status, headers, body }) => response.writeHead(status, headers).end(body))
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(fake: FakeB2, request: IncomingMessage): Promise<Reply> {
  const url = new URL(request.url ?? "/", "http://control");
  const [, resource = "", ...rest] = url.pathname.split("/");
  const route = ROUTES[`${request.method} /${resource}`];
  const bucketName = url.searchParams.get("bucket") ?? fake.bucket;
  const bucket = fake.server.store.bucket(bucketName);
  if (route === undefined || bucket === undefined) return NOT_FOUND;
  const key = url.searchParams.get("key") ?? rest.map(decodeURIComponent).join("/");
  return route({ fake, bucketName, bucket, query: url.searchParams, key, request });
}

function readFilter(bucket: string, query: URLSearchParams): RequestFilter {
  const status = query.get("status");
  const names = ["operation", "method", "key"] as const;
  const given = names.flatMap((name) => {
    const value = query.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return {
    bucket,
    ...Object.fromEntries(given),
    ...(status === null ? {} : { status: Number(status) }),
  };
}

function listKeys(bucket: BucketStore, prefix: string): readonly string[] {
  return [...bucket.index.keysFrom(prefix)].filter(
    (key) => key.startsWith(prefix) && bucket.index.visible(key) !== undefined,
  );
}

function json(value: unknown): Reply {
  return {
    status: 200,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(value),
  };
}

async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const list: Uint8Array[] = [];
  for await (const chunk of chunks) list.push(chunk);
  return Buffer.concat(list);
}
