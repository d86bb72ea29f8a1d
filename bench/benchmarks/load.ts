import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { encodeNix32 } from "../../src/nix/encodings.ts";
import type { BucketProcess } from "../bucket/start-bucket.ts";
import type { Request } from "../load/http-connection.ts";
import { sendMixedLoad } from "../load/mixed-load.ts";
import { openHeapMeter } from "../measure/heap-usage.ts";
import { peakMemoryMegabytes } from "../measure/process-usage.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import {
  type BenchContext,
  cacheInside,
  openBucket,
  openGateway,
  openSmallest,
  PUSH_TOKEN,
} from "./bench-context.ts";
import { madeUpHash, madeUpNar, madeUpNarinfo } from "./made-up-paths.ts";

const READERS = 50;
const PUSHERS = 10;
const LATENCY_MILLISECONDS = 20;
const NARINFO_COUNT = 200;
/** The sizes of pushed NARs, in MB: of one PUT, and of parts. */
const PUSHED = [1, 5, 20, 90] as const;
// Four of seven reads are for narinfos, and three for NARs.
const READ_PATTERN = ["narinfo", "1 MB", "narinfo", "narinfo", "5 MB", "narinfo", "1 MB"] as const;
const HEAP_POLL_MILLISECONDS = 50;

/** Measures the memory of the worker while 50 clients read and 10 push. */
export async function benchLoad(context: BenchContext): Promise<Section> {
  const bucket = await openBucket(context);
  const load = { reads: await prepareReads(bucket), pushes: preparePushes() };
  await bucket.setLatency(LATENCY_MILLISECONDS);
  const milliseconds = context.isQuick ? 2500 : 20_000;
  const clients = { ...load, readers: READERS, pushers: PUSHERS, milliseconds };
  const send = async (subject: RunningProcess): Promise<number> => {
    await sendMixedLoad({ ...clients, url: subject.url });
    return peakMemoryMegabytes(subject.pid);
  };
  context.say("load: memory of the process");
  const shipped = await openGateway(context, { bucket, cache: undefined });
  const peak = await send(shipped);
  await shipped.stop();
  const proxies: number[] = [];
  if (!context.isQuick) {
    const smallest = await openSmallest(context, "proxy", { bucket });
    proxies.push(await send(smallest));
    await smallest.stop();
  }
  const figures: Figure[] = [
    createFigure({
      name: "50 readers, 10 pushers, peak memory",
      unit: "MB",
      values: [peak],
      ...(proxies.length === 0
        ? {}
        : { comparison: { name: "the smallest proxy", values: proxies } }),
      target: "loadMemory",
    }),
  ];
  context.say("load: heap of the worker");
  const inspected = await openGateway(context, { bucket, cache: undefined, isInspected: true });
  const heap = await peakHeap(inspected, sendMixedLoad({ ...clients, url: inspected.url }));
  await inspected.stop();
  figures.push(
    createFigure({
      name: "50 readers, 10 pushers, peak heap",
      unit: "MB",
      values: [heap],
      target: "loadHeap",
    }),
  );
  if (!context.isQuick) {
    context.say("load: with the cache worker in the process");
    const cache = await cacheInside(context, false);
    const filling = await openGateway(context, { bucket, cache });
    figures.push(
      createFigure({
        name: "50 readers, 10 pushers, cache-api, the cache worker included, peak memory",
        unit: "MB",
        values: [await send(filling)],
        comparison: { name: "workers-cache", values: [peak] },
      }),
    );
  }
  return { benchmark: "load", figures, skipped: [] };
}

async function prepareReads(bucket: BucketProcess): Promise<Request[]> {
  for (let index = 0; index < NARINFO_COUNT; index++) {
    await bucket.put(`${madeUpHash(index)}.narinfo`, madeUpNarinfo(index));
  }
  for (const megabytes of [1, 5]) {
    await bucket.putZeros(madeUpNar(`${megabytes} MB`), megabytes * 1e6);
  }
  return Array.from({ length: NARINFO_COUNT }, (_, index) => {
    const kind = READ_PATTERN[index % READ_PATTERN.length];
    const isNarinfo = kind === undefined || kind === "narinfo";
    return { path: isNarinfo ? `/${madeUpHash(index)}.narinfo` : `/${madeUpNar(kind)}` };
  });
}

function preparePushes(): Request[] {
  return PUSHED.map((megabytes) => {
    const body = randomBytes(megabytes * 1e6);
    const hash = createHash("sha256").update(body).digest();
    const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
    return { method: "PUT", path: `/nar/${encodeNix32(hash)}.nar`, headers, body };
  });
}

async function peakHeap(
  { inspectorUrl }: { readonly inspectorUrl: string | undefined },
  loading: Promise<unknown>,
): Promise<number> {
  if (inspectorUrl === undefined) throw new Error("the worker was started without an inspector");
  const meter = await openHeapMeter(inspectorUrl);
  const over = loading.then(() => true);
  // The loop sees a failure, but perhaps only after the next reading.
  over.catch(() => {});
  let peak = 0;
  do {
    peak = Math.max(peak, await meter.read());
  } while (!(await Promise.race([over, sleep(HEAP_POLL_MILLISECONDS, false)])));
  meter.close();
  return peak;
}
