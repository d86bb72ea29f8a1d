import { truncate, writeFile, mkdir } from "node:fs/promises";
import path from "node:path";
import { bucketUrl, signRequest } from "../bucket/sign-request.ts";
import { type Bucket, totalOf } from "../bucket/start-bucket.ts";
import { startForgettingCache } from "../load/forgetting-cache.ts";
import { openConnection } from "../load/http-connection.ts";
import { interleave } from "../measure/interleave.ts";
import { cpuMilliseconds, peakMemoryMegabytes } from "../measure/process-usage.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { hasNginx, startNginx } from "../subjects/start-nginx.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, openBucket, openGateway, openSmallest } from "./bench-context.ts";
import { madeUpNar } from "./made-up-paths.ts";

const MEGABYTE = 1e6;

interface Size {
  readonly name: string;
  readonly bytes: number;
  /** In one repetition: so many connections, with so many downloads on each. */
  readonly connections: number;
  readonly count: number;
}

// A client asks for many small ones at once, and a large one alone fills its line.
const SMALL: Size = { name: "1 MB", bytes: MEGABYTE, connections: 8, count: 12 };
const SIZES: readonly Size[] = [
  SMALL,
  { name: "100 MB", bytes: 100 * MEGABYTE, connections: 1, count: 3 },
  { name: "2 GB", bytes: 2000 * MEGABYTE, connections: 1, count: 1 },
];

// As many 1 MB downloads as it takes until the code is compiled.
const WARM_UP_ROUNDS = 4;

/** One NAR, whole or the second half of it, as a client resumes it. */
interface Download {
  readonly name: string;
  readonly size: Size;
  readonly objectPath: string;
  readonly range: string | undefined;
  readonly bytes: number;
}

const DOWNLOADS: readonly Download[] = SIZES.flatMap((size) => {
  const objectPath = madeUpNar(size.name);
  const half = size.bytes / 2;
  return [
    { name: `${size.name}, whole`, size, objectPath, range: undefined, bytes: size.bytes },
    { name: `${size.name}, by Range`, size, objectPath, range: `bytes=${half}-`, bytes: half },
  ];
});

/** Where a download comes from. */
interface Source {
  readonly process: RunningProcess;
  pathOf(download: Download): string;
  headersOf(download: Download): Promise<Readonly<Record<string, string>>>;
}

interface Sources {
  readonly gateway: Source;
  readonly bucket: Source;
  /** Fetches and fills the edge, and does nothing else. */
  readonly smallest: Source;
  readonly nginx: Source | undefined;
}

// The Cache API keeps nothing larger, so the gateway does not try.
const MAX_STORED_BYTES = 512 * 1024 * 1024;

/** NARs that the edge does not have: bucket, worker and client in one stream. */
export async function benchDownloads(context: BenchContext): Promise<Section> {
  const bucket = await openBucket(context);
  for (const { name, bytes } of SIZES) await bucket.putZeros(madeUpNar(name), bytes);
  const cache = await startForgettingCache();
  context.teardown.add(() => cache.close());
  const gateway = fromGateway(await openGateway(context, { bucket, cache }));
  const sources = {
    gateway,
    bucket: fromBucket(bucket),
    smallest: fromGateway(await openSmallest(context, "fetch-and-fill", { bucket, cache })),
    nginx: hasNginx ? fromGateway(await openNginx(context)) : undefined,
  };
  const first = await downloadInOrder(gateway, bucket);
  const figures = describeMemory(first);
  for (const download of DOWNLOADS) {
    context.say(`downloads: ${download.name}`);
    const requests = first.bucketRequests.get(download) ?? Number.NaN;
    figures.push(...(await measure(download, sources, requests, context.isQuick)));
  }
  const skipped = hasNginx ? [] : ["nginx is not installed: its throughput"];
  return { benchmark: "downloads", figures, skipped };
}

function rangeHeader({ range }: Download): Readonly<Record<string, string>> {
  return range === undefined ? {} : { range };
}

function fromGateway(process: RunningProcess): Source {
  return {
    process,
    pathOf: ({ objectPath }) => `/${objectPath}`,
    headersOf: async (download) => rangeHeader(download),
  };
}

function fromBucket(bucket: Bucket): Source {
  const urlOf = ({ objectPath }: Download) => new URL(bucketUrl(bucket.url, objectPath));
  return {
    process: bucket,
    pathOf: (download) => urlOf(download).pathname,
    headersOf: async (download) => ({
      ...(await signRequest(urlOf(download).href)),
      ...rangeHeader(download),
    }),
  };
}

async function openNginx(context: BenchContext): Promise<RunningProcess> {
  const nginx = await startNginx(context.directory);
  context.teardown.add(() => nginx.stop());
  await mkdir(path.join(nginx.root, "nar"));
  for (const { name, bytes } of SIZES) {
    const file = path.join(nginx.root, madeUpNar(name));
    await writeFile(file, "");
    // Zeros that take no space, like the bucket's.
    await truncate(file, bytes);
  }
  return nginx;
}

interface Measured {
  readonly megabytesPerSecond: number;
  readonly cpuPerMegabyte: number;
}

async function fetchFrom(source: Source, download: Download): Promise<Measured> {
  const { process, pathOf, headersOf } = source;
  const { bytes, size, range } = download;
  const connections = await Promise.all(
    Array.from({ length: size.connections }, () => openConnection(process.url)),
  );
  const request = { path: pathOf(download), headers: await headersOf(download) };
  const cpuBefore = cpuMilliseconds(process.pid);
  const startedAt = performance.now();
  await Promise.all(
    connections.map(async (connection) => {
      for (let count = 0; count < size.count; count++) {
        const { status, bodyBytes } = await connection.send(request);
        if (status !== (range === undefined ? 200 : 206) || bodyBytes !== bytes) {
          throw new Error(`${download.name}: answered ${status} with ${bodyBytes} bytes`);
        }
      }
    }),
  );
  const milliseconds = performance.now() - startedAt;
  for (const connection of connections) connection.close();
  const megabytes = (bytes * size.count * size.connections) / MEGABYTE;
  return {
    megabytesPerSecond: (megabytes * 1000) / milliseconds,
    cpuPerMegabyte: (cpuMilliseconds(process.pid) - cpuBefore) / megabytes,
  };
}

interface FirstDownloads {
  /** Of the worker's memory, after each size. */
  readonly peaks: ReadonlyMap<Size, number>;
  /** That the bucket got for one of each. */
  readonly bucketRequests: ReadonlyMap<Download, number>;
}

/**
 * In a process that has served nothing, from the smallest to the largest: what
 * an allocator has once, it does not give back.
 */
async function downloadInOrder(gateway: Source, bucket: Bucket): Promise<FirstDownloads> {
  const peaks = new Map<Size, number>();
  const bucketRequests = new Map<Download, number>();
  for (const download of DOWNLOADS) {
    const { size } = download;
    await bucket.forgetRequests();
    const rounds = size === SMALL ? WARM_UP_ROUNDS : 1;
    for (let round = 0; round < rounds; round++) await fetchFrom(gateway, download);
    const count = totalOf(await bucket.countRequests());
    bucketRequests.set(download, count / (rounds * size.connections * size.count));
    peaks.set(size, peakMemoryMegabytes(gateway.process.pid));
  }
  return { peaks, bucketRequests };
}

function describeMemory({ peaks }: FirstDownloads): Figure[] {
  const smallest = peaks.get(SMALL) ?? Number.NaN;
  const comparison = { name: "its peak at 1 MB", values: [smallest] };
  return [...peaks].flatMap(([size, peak]) => {
    const figure = createFigure({
      name: `${size.name}, peak memory`,
      unit: "MB",
      values: [peak],
      comparison,
    });
    if (size === SMALL) return [figure];
    const growth = createFigure({
      name: `${size.name}, growth of memory`,
      unit: "MB",
      values: [peak - smallest],
      comparison,
      target: "downloadMemory",
    });
    return [figure, growth];
  });
}

async function measure(
  download: Download,
  sources: Sources,
  requests: number,
  isQuick: boolean,
): Promise<Figure[]> {
  const { name, size } = download;
  const { gateway, bucket: direct, smallest, nginx } = sources;
  const fillsEdge = download.range === undefined && download.bytes <= MAX_STORED_BYTES;
  const isLarge = size.bytes > 1000 * MEGABYTE;
  const quickRepetitions = isLarge ? 2 : 3;
  const measured = await interleave(
    {
      gateway: () => fetchFrom(gateway, download),
      bucket: () => fetchFrom(direct, download),
      smallest: fillsEdge ? () => fetchFrom(smallest, download) : undefined,
      nginx: nginx === undefined ? undefined : () => fetchFrom(nginx, download),
    },
    isQuick ? quickRepetitions : 9,
  );
  const ratesOf = (subject: keyof typeof measured) =>
    measured[subject].map(({ megabytesPerSecond }) => megabytesPerSecond);
  const cpuOf = (subject: keyof typeof measured) =>
    measured[subject].map(({ cpuPerMegabyte }) => cpuPerMegabyte);
  const rates = { name, unit: "MB/s", values: ratesOf("gateway") } as const;
  const toSmallest = { name: "fetch and fill", values: ratesOf("smallest") };
  const toNginx = { name: "nginx", values: ratesOf("nginx") };
  return [
    createFigure({
      ...rates,
      comparison: { name: "the S3 server", values: ratesOf("bucket") },
      target: "downloadRate",
    }),
    ...(fillsEdge ? [createFigure({ ...rates, comparison: toSmallest })] : []),
    ...(nginx === undefined ? [] : [createFigure({ ...rates, comparison: toNginx })]),
    createFigure({
      name,
      unit: "ms/MB",
      values: cpuOf("gateway"),
      comparison: { name: "the S3 server", values: cpuOf("bucket") },
    }),
    createFigure({
      name,
      unit: "bucket requests",
      values: [requests],
      comparison: { name: "what it must take", values: [] },
      target: "oneRequest",
    }),
  ];
}
