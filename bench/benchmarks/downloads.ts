import { type Bucket, totalOf } from "../bucket/start-bucket.ts";
import { startForgettingCache } from "../load/forgetting-cache.ts";
import { interleave } from "../measure/interleave.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { hasNginx } from "../subjects/start-nginx.ts";
import { type BenchContext, openBucket, openGateway, openSmallest } from "./bench-context.ts";
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
    { download: secondHalf(1), connections: 8, count: 12, pairs: 15 },
    { download: whole(100), connections: 1, count: 1, pairs: 5 },
    { download: secondHalf(100), connections: 1, count: 3, pairs: 15 },
    { download: whole(2000), connections: 1, count: 1, pairs: 3 },
    { download: secondHalf(2000), connections: 1, count: 1, pairs: 4 },
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

// The Cache API keeps nothing larger, so the gateway does not try.
const MAX_STORED_BYTES = 512 * 1024 * 1024;

const WARM_UP: Load = { connections: 8, count: 24 };

interface Sources {
  readonly gateway: Source;
  readonly bucket: Source;
  /** Fetches and fills the edge, and does nothing else. */
  readonly smallest: Source;
  readonly nginx: Source | undefined;
}

/** NARs that the edge does not have: bucket, worker and client in one stream. */
export async function benchDownloads(context: BenchContext): Promise<Section> {
  const bucket = await openBucket(context);
  const nars = await putNars(bucket, SIZES);
  const cache = await startForgettingCache();
  context.teardown.add(() => cache.close());
  const openFresh = async () => fromServer(await openGateway(context, { bucket, cache }));

  context.say("downloads: memory");
  const gateway = await openFresh();
  const wholes = [whole(1), whole(100), whole(500), whole(2000)] as const;
  const halves = [secondHalf(1), secondHalf(100), secondHalf(2000)] as const;
  const figures = [
    ...(await measureDownloadMemory(gateway, wholes)),
    ...(await measureDownloadMemory(await openFresh(), halves)),
  ];
  const sources = {
    gateway,
    bucket: fromBucket(bucket),
    smallest: fromServer(await openSmallest(context, "fetch-and-fill", { bucket, cache })),
    nginx: hasNginx ? fromServer(await openNginx(context, nars)) : undefined,
  };
  // Both alike, until their code is compiled.
  for (const source of [gateway, sources.smallest]) await fetchFrom(source, whole(1), WARM_UP);
  for (const plan of PLANS[context.isQuick ? "quick" : "full"]) {
    context.say(`downloads: ${plan.download.name}`);
    figures.push(...(await measure(plan, sources, bucket)));
  }
  const skipped = hasNginx ? [] : ["nginx is not installed: its throughput"];
  return { benchmark: "downloads", figures, skipped };
}

async function measure(plan: Plan, sources: Sources, bucket: Bucket): Promise<Figure[]> {
  const { download, pairs, connections, count } = plan;
  const { gateway, bucket: direct, smallest, nginx } = sources;
  const fillsEdge = download.range === undefined && download.bytes <= MAX_STORED_BYTES;
  const requests: number[] = [];
  const measured = await interleave(
    {
      gateway: async () => {
        await bucket.forgetRequests();
        const got = await fetchFrom(gateway, download, plan);
        requests.push(totalOf(await bucket.countRequests()) / (connections * count));
        return got;
      },
      bucket: () => fetchFrom(direct, download, plan),
      smallest: fillsEdge ? () => fetchFrom(smallest, download, plan) : undefined,
      nginx: nginx === undefined ? undefined : () => fetchFrom(nginx, download, plan),
    },
    pairs,
  );
  return describe(download, measured, requests);
}

function describe(
  { name }: Download,
  measured: Readonly<Record<keyof Sources, readonly Measured[]>>,
  requests: readonly number[],
): Figure[] {
  const ratesOf = (subject: keyof Sources) =>
    measured[subject].map(({ megabytesPerSecond }) => megabytesPerSecond);
  const cpuOf = (subject: keyof Sources) =>
    measured[subject].map(({ cpuPerMegabyte }) => cpuPerMegabyte);
  const rates = { name, unit: "MB/s", values: ratesOf("gateway") } as const;
  const further = [
    { name: "fetch and fill", values: ratesOf("smallest") },
    { name: "nginx", values: ratesOf("nginx") },
  ].filter(({ values }) => values.length > 0);
  return [
    createFigure({
      ...rates,
      comparison: { name: "the S3 server", values: ratesOf("bucket") },
      target: "downloadRate",
    }),
    ...further.map((comparison) => createFigure({ ...rates, comparison })),
    createFigure({
      name,
      unit: "ms/MB",
      values: cpuOf("gateway"),
      comparison: { name: "the S3 server", values: cpuOf("bucket") },
    }),
    createFigure({ name, unit: "bucket requests", values: requests, target: "oneRequest" }),
  ];
}
