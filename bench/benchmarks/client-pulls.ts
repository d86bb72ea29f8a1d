import { totalOf } from "../bucket/start-bucket.ts";
import { interleave } from "../measure/interleave.ts";
import { withSecondTurn } from "../measure/second-turn.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, openGateway } from "./bench-context.ts";
import { type Caches, setLatency } from "./client-caches.ts";
import { type PushedClosure, makeClosure, pull, push } from "./nix-closure.ts";

// Cold pulls mostly wait for the bucket, so their times hardly differ. Warm pulls are
// short and vary with the load of the machine, so they need more pairs.
const QUICK = { paths: 150, coldPairs: 1, warmPairs: 8 } as const;
const FULL = { paths: 1000, coldPairs: 5, warmPairs: 16 } as const;

interface Pulled {
  readonly seconds: number;
  readonly bucketRequests: number;
}

/** Pulls a closure from cold and warm gateways, from the latency floor and from nginx. */
export async function measurePulls(context: BenchContext, caches: Caches): Promise<Figure[]> {
  const { paths, coldPairs, warmPairs } = context.isQuick ? QUICK : FULL;
  const { bucket, cache, floor, nginx } = caches;
  const closure = await makeClosure(context.directory, "pulled", paths);
  const warm = await openGateway(context, { bucket, cache });
  for (const { url } of [warm, floor, ...(nginx === undefined ? [] : [nginx])]) {
    await push(closure, url);
  }
  const pullCounted = async (gateway: RunningProcess): Promise<Pulled> => {
    await bucket.forgetRequests();
    const seconds = await pull(closure, gateway.url);
    return { seconds, bucketRequests: totalOf(await bucket.countRequests()) };
  };
  // This pull fills the edge of the gateway for the warm pulls below.
  await pullCounted(warm);

  await setLatency(caches, true);
  const measuredCold = await interleave(
    {
      cold: async () => {
        // A new gateway, whose edge is empty.
        const gateway = await openGateway(context, { bucket, cache });
        const pulled = await pullCounted(gateway);
        await gateway.stop();
        return pulled;
      },
      floor: () => pull(closure, floor.url),
    },
    coldPairs,
  );
  const warmSubjects = {
    warm: () => pullCounted(warm),
    nginx: nginx === undefined ? undefined : () => pull(closure, nginx.url),
  };
  const warmFigures = await withSecondTurn(
    () => interleave(warmSubjects, warmPairs),
    (measured) => describeWarm(closure, measured),
  );
  await setLatency(caches, false);
  return [...describeCold(closure, measuredCold), ...warmFigures];
}

interface Measured {
  readonly cold: readonly Pulled[];
  readonly warm: readonly Pulled[];
  readonly floor: readonly number[];
  readonly nginx: readonly number[];
}

function describeCold(
  { count }: PushedClosure,
  { cold, floor }: Pick<Measured, "cold" | "floor">,
): Figure[] {
  const pulled = { name: `cold pull, ${count} paths`, pulls: cold };
  return [
    createFigure({ ...timeOf(pulled), comparison: { name: "latency alone", values: floor } }),
    createFigure({
      ...requestsOf(pulled),
      // Each path has two objects: a narinfo and a NAR.
      comparison: { name: "objects", values: [2 * count] },
      target: "coldPullRequests",
    }),
  ];
}

function describeWarm(
  { count }: PushedClosure,
  { warm, nginx }: Pick<Measured, "warm" | "nginx">,
): Figure[] {
  const pulled = { name: `warm pull, ${count} paths`, pulls: warm };
  const comparison = { name: "nginx", values: nginx };
  return [
    ...(nginx.length > 0
      ? [createFigure({ ...timeOf(pulled), comparison, target: "warmPullTime" })]
      : []),
    createFigure({ ...requestsOf(pulled), target: "warmPullRequests" }),
  ];
}

interface NamedPulls {
  readonly name: string;
  readonly pulls: readonly Pulled[];
}

function timeOf({ name, pulls }: NamedPulls) {
  return { name, unit: "s", values: pulls.map(({ seconds }) => seconds) } as const;
}

function requestsOf({ name, pulls }: NamedPulls) {
  const values = pulls.map(({ bucketRequests }) => bucketRequests);
  return { name, unit: "bucket requests", values } as const;
}
