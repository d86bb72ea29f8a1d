import { type BucketProcess, totalOf } from "../bucket/start-bucket.ts";
import { interleave } from "../measure/interleave.ts";
import { withSecondTurn } from "../measure/second-turn.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import type { TargetName } from "../report/targets.ts";
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

/** For a smaller NAR, the request itself and the calls of the edge are a large part of the cost. */
const LARGE_BYTES = 100e6;

// A client downloads many small NARs at once, while one large NAR fills its
// connection. With few pairs, a ratio near its target passes in one run and fails in
// the next, so short downloads have many pairs. A quick run measures the memory of
// 2 GB, and leaves out its speed, which takes half a minute.
const PLANS: Readonly<Record<"quick" | "full", readonly Plan[]>> = {
  quick: [
    { download: whole(1), connections: 8, count: 6, pairs: 5 },
    { download: secondHalf(1), connections: 8, count: 12, pairs: 5 },
    { download: whole(100), connections: 1, count: 1, pairs: 5 },
    { download: secondHalf(100), connections: 1, count: 2, pairs: 5 },
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
  readonly filling: Source;
  /** The smallest worker that fetches a NAR by way of its second entrypoint, as with Workers Cache. */
  readonly calling: Source;
  readonly fetching: Source;
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
  // NARs above 500 MB pass through, as they do with the other engine.
  const wholes = [whole(1), whole(100), whole(500)] as const;
  const halves = [secondHalf(1), secondHalf(context.isQuick ? 500 : 2000)] as const;
  const figures = [
    ...(await measureDownloadMemory(shipped, [whole(1), whole(100), whole(2000)], SHIPPED)),
    ...(await measureDownloadMemory(
      cacheApi,
      context.isQuick ? wholes : [...wholes, whole(2000)],
      CACHE_API,
    )),
    ...(await measureDownloadMemory(await openCacheApi(), halves, CACHE_API)),
  ];
  const sources = {
    shipped,
    cacheApi,
    bucket: fromBucket(bucket),
    filling: fromServer(await openSmallest(context, "fetch-and-fill", { bucket, cache })),
    calling: fromServer(await openSmallest(context, "call-and-fetch", { bucket })),
    fetching: fromServer(await openSmallest(context, "sign-and-fetch", { bucket })),
    nginx: hasNginx ? fromServer(await openNginx(context, nars)) : undefined,
  };
  // Send the same load to each worker until its code is compiled.
  for (const source of [shipped, cacheApi, sources.filling, sources.calling, sources.fetching])
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
  const { shipped, cacheApi, filling, calling, fetching, nginx } = sources;
  const isWhole = download.range === undefined;
  const fetch = (source: Source) => fetchFrom(source, download, plan);
  const fetchCounted = async (source: Source): Promise<Counted> => {
    await bucket.forgetRequests();
    const measured = await fetch(source);
    const requests = totalOf(await bucket.countRequests()) / (connections * count);
    return { ...measured, bucketRequests: requests };
  };
  const subjects = {
    // Workers Cache never sends the worker a Range. It requests the whole NAR and
    // cuts the range out itself.
    shipped: isWhole ? () => fetchCounted(shipped) : undefined,
    cacheApi: () => fetchCounted(cacheApi),
    bucket: () => fetch(sources.bucket),
    filling: fillsEdge(download) ? () => fetch(filling) : undefined,
    calling: isWhole ? () => fetch(calling) : undefined,
    fetching: fillsEdge(download) ? undefined : () => fetch(fetching),
    nginx: nginx === undefined ? undefined : () => fetch(nginx),
  };
  return await withSecondTurn(
    () => interleave(subjects, pairs),
    (measured) => describeAll(download, measured),
  );
}

/** The repetitions of each source. Sources that do not apply to the download have none. */
interface AllMeasured {
  readonly shipped: readonly Counted[];
  readonly cacheApi: readonly Counted[];
  readonly bucket: readonly Measured[];
  readonly filling: readonly Measured[];
  readonly calling: readonly Measured[];
  readonly fetching: readonly Measured[];
  readonly nginx: readonly Measured[];
}

function isLarge({ bytes }: Download): boolean {
  return bytes >= LARGE_BYTES / 2;
}

/** Whether the Cache API keeps the download, so that the gateway fills it. */
function fillsEdge({ bytes, range }: Download): boolean {
  return range === undefined && bytes <= MAX_STORED_BYTES;
}

/** Returns the figures of both engines, each with the target that applies to the download. */
function describeAll(download: Download, measured: AllMeasured): Figure[] {
  const target = isLarge(download) ? "downloadRate" : "smallDownloadRate";
  const others = [
    { name: "the b2-server", measured: measured.bucket },
    { name: "nginx", measured: measured.nginx },
  ];
  return [
    ...describe(download, SHIPPED, measured.shipped, [
      { name: "call, sign and fetch", measured: measured.calling, target },
      ...others,
    ]),
    ...describe(download, CACHE_API, measured.cacheApi, [
      fillsEdge(download)
        ? { name: "fetch and fill", measured: measured.filling, target: "fillRate" }
        : { name: "sign and fetch", measured: measured.fetching, target },
      ...others,
    ]),
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

/** A server that a download is compared with, and the target of the ratio. */
interface Other {
  readonly name: string;
  readonly measured: readonly Measured[];
  readonly target?: TargetName;
}

/** Returns the figures of the gateway with one engine. */
function describe(
  download: Download,
  engine: string,
  gateway: readonly Counted[],
  others: readonly Other[],
): Figure[] {
  const name = `${download.name}, ${engine}`;
  const comparisons = others.filter(({ measured }) => measured.length > 0);
  const [first] = comparisons;
  if (gateway.length === 0 || first === undefined) return [];
  return [
    createFigure({ name, unit: "MB/s", values: ratesOf(gateway), target: "lineRate" }),
    ...comparisons.map(({ name: other, measured, target }) =>
      createFigure({
        name,
        unit: "MB/s",
        values: ratesOf(gateway),
        comparison: { name: other, values: ratesOf(measured) },
        ...(target === undefined ? {} : { target }),
      }),
    ),
    createFigure({
      name,
      unit: "ms/MB",
      values: cpuOf(gateway),
      comparison: { name: first.name, values: cpuOf(first.measured) },
      target: "downloadCpu",
    }),
    createFigure({
      name,
      unit: "bucket requests",
      values: gateway.map(({ bucketRequests }) => bucketRequests),
      target: "oneRequest",
    }),
  ];
}
