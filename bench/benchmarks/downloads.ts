import { type BucketProcess, totalOf } from "../bucket/start-bucket.ts";
import { interleave } from "../measure/interleave.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { hasNginx } from "../subjects/start-nginx.ts";
import {
  type BenchContext,
  cacheInside,
  openBucket,
  openGateway,
  openSmallest,
} from "./bench-context.ts";
import { measureDownloadMemory } from "./download-memory.ts";
import {
  type Download,
  fetchFrom,
  fromBucket,
  fromServer,
  type Load,
  type Measured,
  openNginx,
  putNars,
  secondHalf,
  type Source,
  whole,
} from "./download-sources.ts";

/** A download, how it is repeated, and how often. */
interface Plan extends Load {
  readonly download: Download;
  readonly pairs: number;
}

// A client asks for many small ones at once, and a large one alone fills its
// line. Ratios near the target flip with few pairs, so what is short has many.
const PLANS: Readonly<Record<"quick" | "full", readonly Plan[]>> = {
  quick: [
    { download: whole(1), connections: 8, count: 6, pairs: 5 },
    { download: secondHalf(1), connections: 8, count: 12, pairs: 9 },
    { download: whole(100), connections: 1, count: 2, pairs: 6 },
    { download: secondHalf(100), connections: 1, count: 3, pairs: 9 },
    { download: whole(2000), connections: 1, count: 1, pairs: 3 },
    { download: secondHalf(2000), connections: 1, count: 1, pairs: 2 },
  ],
  full: [
    { download: whole(1), connections: 8, count: 12, pairs: 15 },
    { download: secondHalf(1), connections: 8, count: 12, pairs: 25 },
    { download: whole(100), connections: 1, count: 3, pairs: 15 },
    { download: secondHalf(100), connections: 1, count: 3, pairs: 25 },
    { download: whole(2000), connections: 1, count: 1, pairs: 9 },
    { download: secondHalf(2000), connections: 1, count: 1, pairs: 15 },
  ],
};

/** In MB; the one of 500 is nearly as large as what the edge keeps. */
const SIZES = [1, 100, 500, 2000] as const;

const SHIPPED = "workers-cache";
const CACHE_API = "cache-api";

// The Cache API keeps nothing larger, so the gateway does not try.
const MAX_STORED_BYTES = 512 * 1024 * 1024;

const WARM_UP: Load = { connections: 8, count: 24 };

interface Sources {
  /** As it is shipped: with Workers Cache, which has nothing here. */
  readonly shipped: Source;
  readonly cacheApi: Source;
  readonly bucket: Source;
  /** Fetches and fills the edge by the Cache API, and does nothing else. */
  readonly smallest: Source;
  readonly nginx: Source | undefined;
}

/** NARs that the edge does not have: bucket, worker and client in one stream. */
export async function benchDownloads(context: BenchContext): Promise<Section> {
  const bucket = await openBucket(context);
  const nars = await putNars(bucket, SIZES);
  const cache = await cacheInside(context, false);
  const openCacheApi = async () => fromServer(await openGateway(context, { bucket, cache }));

  context.say("downloads: memory");
  const shipped = fromServer(await openGateway(context, { bucket, cache: undefined }));
  const cacheApi = await openCacheApi();
  const wholes = [whole(1), whole(100), whole(500), whole(2000)] as const;
  const halves = [secondHalf(1), secondHalf(100), secondHalf(2000)] as const;
  const figures = [
    ...(await measureDownloadMemory(shipped, [whole(1), whole(100), whole(2000)], SHIPPED)),
    ...(await measureDownloadMemory(cacheApi, wholes, CACHE_API)),
    ...(await measureDownloadMemory(await openCacheApi(), halves, CACHE_API)),
  ];
  const sources = {
    shipped,
    cacheApi,
    bucket: fromBucket(bucket),
    smallest: fromServer(await openSmallest(context, "fetch-and-fill", { bucket, cache })),
    nginx: hasNginx ? fromServer(await openNginx(context, nars)) : undefined,
  };
  // All alike, until their code is compiled.
  for (const source of [shipped, cacheApi, sources.smallest])
    await fetchFrom(source, whole(1), WARM_UP);
  for (const plan of PLANS[context.isQuick ? "quick" : "full"]) {
    context.say(`downloads: ${plan.download.name}`);
    figures.push(...(await measure(plan, sources, bucket)));
  }
  const skipped = hasNginx ? [] : ["nginx is not installed: its throughput"];
  return { benchmark: "downloads", figures, skipped };
}

async function measure(plan: Plan, sources: Sources, bucket: BucketProcess): Promise<Figure[]> {
  const { download, pairs, connections, count } = plan;
  const { shipped, cacheApi, smallest, nginx } = sources;
  const isWhole = download.range === undefined;
  const fillsEdge = isWhole && download.bytes <= MAX_STORED_BYTES;
  const fetch = (source: Source) => fetchFrom(source, download, plan);
  const fetchCounted = async (source: Source): Promise<Counted> => {
    await bucket.forgetRequests();
    const measured = await fetch(source);
    const requests = totalOf(await bucket.countRequests()) / (connections * count);
    return { ...measured, bucketRequests: requests };
  };
  const measured = await interleave(
    {
      // A part of what Workers Cache lacks is never asked of the worker: it cuts it out itself.
      shipped: isWhole ? () => fetchCounted(shipped) : undefined,
      cacheApi: () => fetchCounted(cacheApi),
      bucket: () => fetch(sources.bucket),
      smallest: fillsEdge ? () => fetch(smallest) : undefined,
      nginx: nginx === undefined ? undefined : () => fetch(nginx),
    },
    pairs,
  );
  return [
    ...describe(download, SHIPPED, measured.shipped, {
      "the S3 server": measured.bucket,
      nginx: measured.nginx,
    }),
    ...describe(download, CACHE_API, measured.cacheApi, {
      "the S3 server": measured.bucket,
      "fetch and fill": measured.smallest,
      nginx: measured.nginx,
    }),
  ];
}

interface Counted extends Measured {
  readonly bucketRequests: number;
}

function ratesOf(measured: readonly Measured[]): number[] {
  return measured.map(({ megabytesPerSecond }) => megabytesPerSecond);
}

function cpuOf(measured: readonly Measured[]): number[] {
  return measured.map(({ cpuPerMegabyte }) => cpuPerMegabyte);
}

/** What the gateway did with one engine; the first of `others` is what it is judged by. */
function describe(
  download: Download,
  engine: string,
  gateway: readonly Counted[],
  others: Readonly<Record<string, readonly Measured[]>>,
): Figure[] {
  if (gateway.length === 0) return [];
  const name = `${download.name}, ${engine}`;
  const comparisons = Object.entries(others).filter(([, values]) => values.length > 0);
  return [
    ...comparisons.map(([other, measured], index) =>
      createFigure({
        name,
        unit: "MB/s",
        values: ratesOf(gateway),
        comparison: { name: other, values: ratesOf(measured) },
        ...(index === 0 ? { target: "downloadRate" } : {}),
      }),
    ),
    ...comparisons.slice(0, 1).map(([other, measured]) =>
      createFigure({
        name,
        unit: "ms/MB",
        values: cpuOf(gateway),
        comparison: { name: other, values: cpuOf(measured) },
      }),
    ),
    createFigure({
      name,
      unit: "bucket requests",
      values: gateway.map(({ bucketRequests }) => bucketRequests),
      target: "oneRequest",
    }),
  ];
}
