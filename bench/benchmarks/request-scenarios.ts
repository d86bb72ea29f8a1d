import type { BucketProcess } from "../bucket/start-bucket.ts";
import { openConnection, type Request } from "../load/http-connection.ts";
import type { TargetName } from "../report/targets.ts";
import type { RunningProcess } from "../subjects/start-process.ts";
import { type BenchContext, cacheInside, openGateway, openSmallest } from "./bench-context.ts";
import { madeUpHash, madeUpNarinfo } from "./made-up-paths.ts";

/** The number of narinfos in the bucket. */
export const STORED_COUNT = 500;
const FIRST_ABSENT = 10_000;

/** One kind of request, sent to the gateway and to the subjects it is compared with. */
export interface Scenario {
  readonly name: string;
  readonly requests: readonly Request[];
  readonly status: number;
  readonly gateway: RunningProcess;
  readonly smallest: RunningProcess;
  readonly smallestName: string;
  readonly rateTarget?: TargetName;
  readonly cpuTarget?: TargetName;
  /** Whether to compare with nginx. nginx has no edge, so one scenario of each kind is enough. */
  readonly againstNginx: boolean;
  /** The target for the bucket requests of each client request. */
  readonly bucketTarget: TargetName;
}

/** Starts the subjects of all scenarios, and fills their caches. */
export async function openScenarios(
  context: BenchContext,
  bucket: BucketProcess,
): Promise<Scenario[]> {
  const keeping = await cacheInside(context, true);
  const forgetting = await cacheInside(context, false);
  const gateway = await openGateway(context, { bucket, cache: keeping });
  const cold = await openGateway(context, { bucket, cache: forgetting });
  const shipped = await openGateway(context, { bucket, cache: undefined });
  const match = await openSmallest(context, "match-cache", { cache: keeping });
  const calling = await openSmallest(context, "call-and-fetch", { bucket });
  const filling = await openSmallest(context, "look-fetch-and-fill", { bucket, cache: forgetting });

  const stored = narinfoRequests(0);
  const absent = narinfoRequests(FIRST_ABSENT);
  await fill(gateway, match, stored, madeUpNarinfo);
  await fill(gateway, match, absent);
  const toMatch = { gateway, smallest: match, smallestName: "one cache match" };
  // A worker without an edge makes one subrequest. Each look into an edge, each call of
  // the cached entrypoint and each fill is one more, and none of them is the gateway's
  // own work, so the smallest workers make them too.
  const toCall = { smallest: calling, smallestName: "call, sign and fetch" };
  const toFill = { smallest: filling, smallestName: "look, fetch and fill" };
  const asked = { bucketTarget: "oneRequest" } as const;
  const answered = { bucketTarget: "noRequest" } as const;
  return [
    {
      name: "narinfo hit, cache-api",
      requests: stored,
      status: 200,
      ...toMatch,
      ...answered,
      rateTarget: "hitRate",
      againstNginx: true,
    },
    {
      name: "narinfo absent, cache-api",
      requests: absent,
      status: 404,
      ...toMatch,
      ...answered,
      againstNginx: true,
    },
    {
      name: "narinfo miss, workers-cache",
      requests: stored,
      status: 200,
      gateway: shipped,
      ...toCall,
      ...asked,
      rateTarget: "missRate",
      cpuTarget: "missCpu",
      againstNginx: false,
    },
    {
      name: "narinfo miss, cache-api",
      requests: stored,
      status: 200,
      gateway: cold,
      ...toFill,
      ...asked,
      rateTarget: "missRate",
      cpuTarget: "missCpu",
      againstNginx: true,
    },
    {
      name: "narinfo absent, first asked, cache-api",
      requests: absent,
      status: 404,
      gateway: cold,
      ...toFill,
      ...asked,
      againstNginx: false,
    },
  ];
}

function narinfoRequests(first: number): Request[] {
  return Array.from({ length: STORED_COUNT }, (_, index) => ({
    path: `/${madeUpHash(first + index)}.narinfo`,
  }));
}

/** Fills the caches of both workers with the objects that are requested later. */
async function fill(
  gateway: RunningProcess,
  match: RunningProcess,
  requests: readonly Request[],
  textOf?: (index: number) => string,
): Promise<void> {
  const connections = [await openConnection(gateway.url), await openConnection(match.url)];
  for (const [index, request] of requests.entries()) {
    await connections[0]?.send(request);
    await connections[1]?.send({
      ...request,
      method: "PUT",
      headers: { status: textOf === undefined ? "404" : "200" },
      body: Buffer.from(textOf?.(index) ?? ""),
    });
  }
  for (const connection of connections) connection.close();
}
