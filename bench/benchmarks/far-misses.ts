import { bucketUrl, signRequest } from "../bucket/sign-request.ts";
import type { BucketProcess } from "../bucket/start-bucket.ts";
import { type HttpConnection, openConnection, type Request } from "../load/http-connection.ts";
import { loadRequests } from "../load/load-requests.ts";
import { interleave } from "../measure/interleave.ts";
import { cpuMilliseconds } from "../measure/process-usage.ts";
import { withSecondTurn } from "../measure/second-turn.ts";
import { createFigure, type Figure, median } from "../report/figure.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, cacheInside, openGateway } from "./bench-context.ts";
import { madeUpHash } from "./made-up-paths.ts";
import { STORED_COUNT } from "./request-scenarios.ts";

/** The time that the bucket waits before each answer. */
const DISTANCE_MILLISECONDS = 50;
/** The requests of one repetition, one after the other. */
const COUNT = 6;
// V8 compiles the code during the first few hundred requests, which take this time.
const WARM_UP = 400;

interface Measured {
  readonly milliseconds: number;
  readonly cpuMicroseconds: number;
}

/**
 * Measures what one client waits for a miss, and the CPU time of it, while the bucket
 * is far. The worker then sleeps between requests, and each of them finds the
 * processor's caches cold.
 */
export async function measureFarMisses(
  context: BenchContext,
  bucket: BucketProcess,
): Promise<Figure[]> {
  context.say("requests: far misses");
  const cache = await cacheInside(context, false);
  const shipped = await openGateway(context, { bucket, cache: undefined });
  const cacheApi = await openGateway(context, { bucket, cache });
  const paths = Array.from({ length: STORED_COUNT }, (_, index) => `${madeUpHash(index)}.narinfo`);
  const throughGateway = async (gateway: RunningProcess) => {
    const requests = paths.map((path) => ({ path: `/${path}` }));
    const { url } = gateway;
    await loadRequests({ url, requests, status: 200, connections: 16, milliseconds: WARM_UP });
    const connection = await openConnection(url);
    return () => send(connection, requests, gateway.pid);
  };
  const subjects = {
    shipped: await throughGateway(shipped),
    cacheApi: await throughGateway(cacheApi),
    bucket: await toBucket(bucket, paths),
  };
  await bucket.setLatency(DISTANCE_MILLISECONDS);
  const figures = await withSecondTurn(
    () => interleave(subjects, context.isQuick ? 4 : 12),
    (measured) => [
      ...describe("workers-cache", measured.shipped, measured.bucket),
      ...describe("cache-api", measured.cacheApi, measured.bucket),
    ],
  );
  await bucket.setLatency(0);
  return figures;
}

/** Returns the requests of a client that asks the bucket itself. */
async function toBucket(bucket: BucketProcess, paths: readonly string[]) {
  const requests: Request[] = [];
  for (const path of paths.slice(0, COUNT)) {
    const url = bucketUrl(bucket.url, path);
    requests.push({ path: new URL(url).pathname, headers: await signRequest(url) });
  }
  const connection = await openConnection(bucket.url);
  return () => send(connection, requests, bucket.pid);
}

async function send(
  connection: HttpConnection,
  requests: readonly Request[],
  pid: number,
): Promise<Measured> {
  const waits: number[] = [];
  const cpuBefore = cpuMilliseconds(pid);
  for (const request of requests.slice(0, COUNT)) {
    const startedAt = performance.now();
    const { status } = await connection.send(request);
    if (status !== 200) throw new Error(`${request.path} was answered ${status}, not 200`);
    waits.push(performance.now() - startedAt);
  }
  const cpuMicroseconds = ((cpuMilliseconds(pid) - cpuBefore) * 1000) / COUNT;
  return { milliseconds: median(waits), cpuMicroseconds };
}

function describe(
  engine: string,
  gateway: readonly Measured[],
  bucket: readonly Measured[],
): Figure[] {
  const name = `narinfo miss, ${engine}, ${DISTANCE_MILLISECONDS} ms`;
  const waits = gateway.map(({ milliseconds }) => milliseconds);
  const floors = bucket.map(({ milliseconds }) => milliseconds);
  return [
    createFigure({
      name,
      unit: "ms",
      values: waits,
      comparison: { name: "the b2-server", values: floors },
    }),
    createFigure({
      name: `${name}, more than the b2-server`,
      unit: "ms",
      values: waits.map((wait, index) => wait - (floors[index] ?? Number.NaN)),
      target: "missWait",
    }),
    createFigure({
      name,
      unit: "µs/request",
      values: gateway.map(({ cpuMicroseconds }) => cpuMicroseconds),
      target: "farMissCpu",
    }),
  ];
}
