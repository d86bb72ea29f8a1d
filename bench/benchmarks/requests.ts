import { writeFile } from "node:fs/promises";
import path from "node:path";
import { type BucketProcess, totalOf } from "../bucket/start-bucket.ts";
import { loadRequests } from "../load/load-requests.ts";
import { interleave } from "../measure/interleave.ts";
import { cpuMilliseconds } from "../measure/process-usage.ts";
import { withSecondTurn } from "../measure/second-turn.ts";
import { createFigure, type Figure } from "../report/figure.ts";
import type { Section } from "../report/format-report.ts";
import { hasNginx, startNginx } from "../subjects/start-nginx.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, openBucket } from "./bench-context.ts";
import { madeUpHash, madeUpNarinfo } from "./made-up-paths.ts";
import { measureFarMisses } from "./far-misses.ts";
import { openScenarios, type Scenario, STORED_COUNT } from "./request-scenarios.ts";

const CONNECTIONS = 16;

/** Measures requests for narinfos, which are the most frequent requests of a cache. */
export async function benchRequests(context: BenchContext): Promise<Section> {
  const bucket = await openBucket(context);
  for (let index = 0; index < STORED_COUNT; index++) {
    await bucket.put(`${madeUpHash(index)}.narinfo`, madeUpNarinfo(index));
  }
  const nginx = hasNginx ? await openNginx(context) : undefined;
  const figures = await measureFarMisses(context, bucket);
  for (const scenario of await openScenarios(context, bucket)) {
    context.say(`requests: ${scenario.name}`);
    figures.push(
      ...(await measure(
        scenario,
        scenario.againstNginx ? nginx : undefined,
        bucket,
        context.isQuick,
      )),
    );
  }
  const skipped =
    nginx === undefined ? ["the comparison with nginx, because nginx is not installed"] : [];
  return { benchmark: "requests", figures, skipped };
}

async function openNginx(context: BenchContext): Promise<RunningProcess> {
  const nginx = await startNginx(context.directory);
  context.teardown.add(() => nginx.stop());
  for (let index = 0; index < STORED_COUNT; index++) {
    await writeFile(path.join(nginx.root, `${madeUpHash(index)}.narinfo`), madeUpNarinfo(index));
  }
  return nginx;
}

interface Measured {
  readonly requestsPerSecond: number;
  readonly cpuMicroseconds: number;
  /** Bucket requests for each client request. */
  readonly bucketRequests: number;
}

// nginx answers many times as many requests a second as a worker, so half the time is
// enough.
const NGINX_SHARE = 0.5;

async function measure(
  scenario: Scenario,
  nginx: RunningProcess | undefined,
  bucket: BucketProcess,
  isQuick: boolean,
): Promise<Figure[]> {
  const { requests, status, gateway, smallest } = scenario;
  const send = async (subject: RunningProcess, milliseconds: number): Promise<Measured> => {
    await bucket.forgetRequests();
    const before = cpuMilliseconds(subject.pid);
    const connections = CONNECTIONS;
    const { url } = subject;
    const load = { url, requests, status, connections, milliseconds };
    const { count, seconds } = await loadRequests(load);
    const cpu = cpuMilliseconds(subject.pid) - before;
    return {
      requestsPerSecond: count / seconds,
      cpuMicroseconds: (cpu * 1000) / count,
      bucketRequests: totalOf(await bucket.countRequests()) / count,
    };
  };
  const milliseconds = isQuick ? 200 : 2000;
  const quickPairs = scenario.rateTarget === undefined ? 3 : 5;
  // V8 compiles the code during the first few thousand requests; do not measure them.
  for (const subject of [gateway, smallest]) await send(subject, isQuick ? 400 : 2000);
  const subjects = {
    gateway: () => send(gateway, milliseconds),
    smallest: () => send(smallest, milliseconds),
    nginx: nginx === undefined ? undefined : () => send(nginx, milliseconds * NGINX_SHARE),
  };
  return await withSecondTurn(
    () => interleave(subjects, isQuick ? quickPairs : 9),
    (measured) => describe(scenario, measured),
  );
}

function describe(
  { name, smallestName, rateTarget, cpuTarget, bucketTarget }: Scenario,
  measured: Readonly<Record<"gateway" | "smallest" | "nginx", readonly Measured[]>>,
): Figure[] {
  const ratesOf = (subject: keyof typeof measured) =>
    measured[subject].map(({ requestsPerSecond }) => requestsPerSecond);
  const cpuOf = (subject: keyof typeof measured) =>
    measured[subject].map(({ cpuMicroseconds }) => cpuMicroseconds);
  const rates = { name, unit: "requests/s", values: ratesOf("gateway") } as const;
  const cpu = { name, unit: "µs/request", values: cpuOf("gateway") } as const;
  // nginx has one core to itself, and the client has the other. nginx waits for the
  // client, so its requests a second show what one client can send. Its CPU time is
  // not affected.
  const againstNginx =
    measured.nginx.length === 0
      ? []
      : [
          createFigure({ ...rates, comparison: { name: "nginx", values: ratesOf("nginx") } }),
          createFigure({ ...cpu, comparison: { name: "nginx", values: cpuOf("nginx") } }),
        ];
  return [
    createFigure({
      ...rates,
      comparison: { name: smallestName, values: ratesOf("smallest") },
      ...(rateTarget === undefined ? {} : { target: rateTarget }),
    }),
    createFigure({
      ...cpu,
      comparison: { name: smallestName, values: cpuOf("smallest") },
      ...(cpuTarget === undefined ? {} : { target: cpuTarget }),
    }),
    ...againstNginx,
    createFigure({
      name,
      unit: "bucket requests",
      values: measured.gateway.map(({ bucketRequests }) => bucketRequests),
      target: bucketTarget,
    }),
  ];
}
