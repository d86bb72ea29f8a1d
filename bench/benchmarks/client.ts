import { hasNix } from "../../test/setup/nix-client.ts";
import { type Bucket, totalOf } from "../bucket/start-bucket.ts";
import { type LatencyFloor, startLatencyFloor } from "../load/latency-floor.ts";
import { interleave } from "../measure/interleave.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { hasNginx, startNginx, takesUploads } from "../subjects/start-nginx.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import type { CacheService } from "../subjects/workerd-config.ts";
import { type BenchContext, cacheInside, openBucket, openGateway } from "./bench-context.ts";
import { type Closure, makeClosure, pull, push } from "./nix-closure.ts";

/** From a data centre to a bucket on the same continent. */
const LATENCY_MILLISECONDS = 100;

interface Caches {
  readonly bucket: Bucket;
  readonly cache: CacheService;
  readonly floor: LatencyFloor;
  readonly nginx: RunningProcess | undefined;
}

const SKIPPED_WITHOUT_NGINX = "nginx, with its module for PUT, is not installed: its times";

/** A closure of a thousand small paths, moved by the real `nix`. */
export async function benchClient(context: BenchContext): Promise<Section> {
  const benchmark = "client";
  if (!hasNix) {
    return { benchmark, figures: [], skipped: ["nix is not installed: pushes and pulls"] };
  }
  const { isQuick, teardown, directory } = context;
  const floor = await startLatencyFloor();
  teardown.add(() => floor.close());
  const bucket = await openBucket(context);
  const cache = await cacheInside(context, true);
  const nginx = hasNginx && takesUploads() ? await startNginx(directory) : undefined;
  if (nginx !== undefined) teardown.add(() => nginx.stop());
  const caches = { bucket, cache, floor, nginx };

  context.say("client: push");
  // Nix pushes what refers to nothing one after the other: at 100 ms, two paths a second.
  const pushed = await makeClosure(directory, "pushed", isQuick ? 12 : 1000);
  const figures = await measurePushes(context, caches, pushed);
  context.say("client: pull");
  const pulled = await makeClosure(directory, "pulled", isQuick ? 150 : 1000);
  figures.push(...(await measurePulls(context, caches, pulled)));
  return { benchmark, figures, skipped: nginx === undefined ? [SKIPPED_WITHOUT_NGINX] : [] };
}

/** Once into an empty cache, and once more as another machine would that has the same. */
async function measurePushes(
  context: BenchContext,
  { bucket, cache, floor, nginx }: Caches,
  closure: Closure,
): Promise<Figure[]> {
  const gateway = await openGateway(context, { bucket, cache });
  await setLatency(LATENCY_MILLISECONDS, bucket, floor);
  const figures: Figure[] = [];
  for (const what of ["push", "push again"]) {
    const name = `${what}, ${closure.count} paths`;
    await bucket.forgetRequests();
    floor.forgetRequests();
    const seconds = await push(closure, gateway.url);
    const requests = totalOf(await bucket.countRequests());
    const floorSeconds = await push(closure, floor.url);
    const floorRequests = floor.countRequests();
    const time = { name, unit: "s", values: [seconds] } as const;
    const toFloor = { name: "latency alone", values: [floorSeconds] };
    figures.push(createFigure({ ...time, comparison: toFloor }));
    if (nginx !== undefined) {
      const values = [await push(closure, nginx.url)];
      figures.push(createFigure({ ...time, comparison: { name: "nginx", values } }));
    }
    const asked = { name: "the client's requests", values: [floorRequests] };
    figures.push(
      createFigure({ name, unit: "bucket requests", values: [requests], comparison: asked }),
    );
  }
  await setLatency(0, bucket, floor);
  return figures;
}

async function setLatency(
  milliseconds: number,
  bucket: Bucket,
  floor: LatencyFloor,
): Promise<void> {
  await bucket.setLatency(milliseconds);
  floor.setLatency(milliseconds);
}

async function measurePulls(
  context: BenchContext,
  caches: Caches,
  closure: Closure,
): Promise<Figure[]> {
  const { bucket, cache, floor, nginx } = caches;
  const warm = await openGateway(context, { bucket, cache });
  for (const { url } of [warm, floor, ...(nginx === undefined ? [] : [nginx])]) {
    await push(closure, url);
  }
  await pull(closure, warm.url);
  await setLatency(LATENCY_MILLISECONDS, bucket, floor);
  const coldCounts: number[] = [];
  const measured = await interleave(
    {
      cold: async () => {
        // One that has never been asked for anything.
        const cold = await openGateway(context, { bucket, cache });
        await bucket.forgetRequests();
        const seconds = await pull(closure, cold.url);
        coldCounts.push(totalOf(await bucket.countRequests()));
        return seconds;
      },
      warm: async () => await pull(closure, warm.url),
      floor: async () => await pull(closure, floor.url),
      nginx: nginx === undefined ? undefined : async () => await pull(closure, nginx.url),
    },
    context.isQuick ? 3 : 7,
  );
  await bucket.forgetRequests();
  await pull(closure, warm.url);
  const warmCount = totalOf(await bucket.countRequests());
  return describePulls(closure, measured, { coldCounts, warmCount });
}

function describePulls(
  { count }: Closure,
  measured: Readonly<Record<"cold" | "warm" | "floor" | "nginx", readonly number[]>>,
  counts: { readonly coldCounts: readonly number[]; readonly warmCount: number },
): Figure[] {
  const coldTime = { name: `cold pull, ${count} paths`, unit: "s", values: measured.cold } as const;
  const warmTime = { name: `warm pull, ${count} paths`, unit: "s", values: measured.warm } as const;
  const { nginx, floor } = measured;
  const toNginx = { name: "nginx", values: nginx };
  return [
    createFigure({ ...coldTime, comparison: { name: "latency alone", values: floor } }),
    ...(nginx.length === 0 ? [] : [createFigure({ ...coldTime, comparison: toNginx })]),
    createFigure({
      name: coldTime.name,
      unit: "bucket requests",
      values: counts.coldCounts,
      // A narinfo and a NAR for each path.
      comparison: { name: "objects", values: [2 * count] },
      target: "coldPullRequests",
    }),
    ...(nginx.length === 0
      ? []
      : [createFigure({ ...warmTime, comparison: toNginx, target: "warmPullTime" })]),
    createFigure({
      name: warmTime.name,
      unit: "bucket requests",
      values: [counts.warmCount],
      comparison: { name: "what it must take", values: [] },
      target: "warmPullRequests",
    }),
  ];
}
