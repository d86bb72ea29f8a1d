import { mkdir, rm } from "node:fs/promises";
import { totalOf } from "../bucket/start-bucket.ts";
import { interleave } from "../measure/interleave.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Nginx } from "../subjects/start-nginx.ts";
import { type BenchContext, openGateway } from "./bench-context.ts";
import { type Caches, setLatency } from "./client-caches.ts";
import { type PushedClosure, makeClosure, push } from "./nix-closure.ts";

// Nix pushes paths without references one after the other. At 100 ms that is about
// two paths a second, so a thousand paths take seven minutes. The full run therefore
// has only one pair; the `samples` of its figures show this.
const QUICK = { paths: 8, pairs: 1 } as const;
const FULL = { paths: 1000, pairs: 1 } as const;

interface Pushed {
  readonly seconds: number;
  /** Requests to the bucket. For the latency floor, which has no bucket: requests of the client. */
  readonly requests: number;
}

/**
 * Two pushes of the same closure: the first into an empty cache, the second as from
 * another machine with the same paths.
 */
interface PushedTwice {
  readonly first: Pushed;
  readonly again: Pushed;
}

/** The closures of the machines that push. Both have the same paths. */
interface Pushers {
  readonly toGateway: PushedClosure;
  readonly toFloor: PushedClosure;
}

/** Pushes a closure to the gateway, to the latency floor and to nginx. */
export async function measurePushes(context: BenchContext, caches: Caches): Promise<Figure[]> {
  const { paths, pairs } = context.isQuick ? QUICK : FULL;
  const { nginx } = caches;
  const makeOne = () => makeClosure(context.directory, "pushed", paths);
  const pushers = { toGateway: await makeOne(), toFloor: await makeOne() };
  await setLatency(caches, true);
  const measured = await interleave(
    {
      far: () => pushFar(context, caches, pushers),
      nginx: nginx === undefined ? undefined : () => pushToNginx(nginx, pushers.toGateway),
    },
    pairs,
  );
  await setLatency(caches, false);
  return (["first", "again"] as const).flatMap((which) => {
    const name = which === "first" ? `push, ${paths} paths` : `push again, ${paths} paths`;
    const gateway = measured.far.map((pair) => pair.gateway[which]);
    const floor = measured.far.map((pair) => pair.floor[which]);
    return describe(name, { gateway, floor, nginx: measured.nginx.map((twice) => twice[which]) });
  });
}

/**
 * Pushes to the gateway and to the latency floor at the same time. Both wait nearly
 * all the time, so they do not slow each other down, and a pair takes half the time
 * of two pushes in turn.
 */
async function pushFar(
  context: BenchContext,
  { bucket, cache, floor }: Caches,
  { toGateway, toFloor }: Pushers,
): Promise<Record<"gateway" | "floor", PushedTwice>> {
  const gateway = await openGateway(context, { bucket, cache });
  await bucket.drop("");
  floor.forgetObjects();
  const pushToGateway = async (): Promise<Pushed> => {
    await bucket.forgetRequests();
    const seconds = await push(toGateway, gateway.url);
    return { seconds, requests: totalOf(await bucket.countRequests()) };
  };
  const pushToFloor = async (): Promise<Pushed> => {
    floor.forgetRequests();
    const seconds = await push(toFloor, floor.url);
    return { seconds, requests: floor.countRequests() };
  };
  const [first, floorFirst] = await Promise.all([pushToGateway(), pushToFloor()]);
  // The second pushes use the CPU all the time, so they run one after the other.
  const again = await pushToGateway();
  const floorAgain = await pushToFloor();
  await gateway.stop();
  return { gateway: { first, again }, floor: { first: floorFirst, again: floorAgain } };
}

async function pushToNginx(nginx: Nginx, closure: PushedClosure): Promise<PushedTwice> {
  await rm(nginx.root, { recursive: true });
  await mkdir(nginx.root);
  const pushOnce = async () => ({ seconds: await push(closure, nginx.url), requests: 0 });
  return { first: await pushOnce(), again: await pushOnce() };
}

function describe(
  name: string,
  measured: Readonly<Record<"gateway" | "floor" | "nginx", readonly Pushed[]>>,
): Figure[] {
  const secondsOf = (subject: keyof typeof measured) =>
    measured[subject].map(({ seconds }) => seconds);
  const requestsOf = (subject: keyof typeof measured) =>
    measured[subject].map(({ requests }) => requests);
  const time = { name, unit: "s", values: secondsOf("gateway") } as const;
  const toFloor = { name: "latency alone", values: secondsOf("floor") };
  const toNginx = { name: "nginx", values: secondsOf("nginx") };
  const asked = { name: "the client's requests", values: requestsOf("floor") };
  return [
    createFigure({ ...time, comparison: toFloor }),
    ...(toNginx.values.length === 0 ? [] : [createFigure({ ...time, comparison: toNginx })]),
    createFigure({
      name,
      unit: "bucket requests",
      values: requestsOf("gateway"),
      comparison: asked,
    }),
  ];
}
