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

/** A download, its load in one repetition, and the number of repetitions. */
interface Plan extends Load {
  readonly download: Download;
  readonly pairs: number;
}

// A client downloads many small NARs at once, while one large NAR fills its
// connection. With few pairs, a ratio near its target passes in one run and fails in
// the next, so short downloads have many pairs.
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

/** The sizes of the NARs, in MB. 500 is just below the largest size that the edge stores. */
const SIZES = [1, 100, 500, 2000] as const;

const SHIPPED = "workers-cache";
const CACHE_API = "cache-api";

// The Cache API stores no larger response, so the gateway does not try it.
const MAX_STORED_BYTES = 512 * 1024 * 1024;

const WARM_UP: Load = { connections: 8, count: 24 };

interface Sources {
  /** The gateway as it is shipped, with Workers Cache. Here every read is a miss. */
  readonly shipped: Source;
  readonly cacheApi: Source;
  readonly bucket: Source;
  /** The smallest worker that fetches a NAR and stores it in the Cache API. */
  readonly smallest: Source;
  readonly nginx: Source | undefined;
}

/** Measures downloads of NARs that the edge lacks: they stream from the bucket through the worker. */
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
  // Send the same load to each worker until its code is compiled.
  for (const source of [shipped, cacheApi, sources.smallest])
    await fetchFrom(source, whole(1), WARM_UP);
  for (const plan of PLANS[context.isQuick ? "quick" : "full"]) {
    context.say(`downloads: ${plan.download.name}`);
    figures.push(...(await measure(plan, sources, bucket)));
  }
  const skipped = hasNginx ? [] : ["the comparison with nginx, because nginx is not installed"];
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
      // Workers Cache never sends the worker a Range. It requests the whole NAR and
      // cuts the range out itself.
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
      "the b2-server": measured.bucket,
      nginx: measured.nginx,
    }),
    ...describe(download, CACHE_API, measured.cacheApi, {
      "the b2-server": measured.bucket,
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

/** Returns the figures of the gateway with one engine. The target applies to the first of `others`. */
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
