import { type Bill, charge, createBill, type LineItem } from "./bill.ts";
import { gatewayDemand, peakPerSecond, readDemand } from "./demand.ts";
import { formatQuantity } from "./format-quantity.ts";
import { PRICES } from "./prices.ts";
import { isPushedDirectly } from "./push-demand.ts";
import type { Usage } from "./usage.ts";

export type WorkersPlan = "free" | "paid";
export type EdgeMode = "workers-cache" | "cache-api";

const FREE_REQUESTS_PER_DAY = 100_000;
const FREE_CPU_MS = 10;
const FREE_LOG_GB_PER_DAY = 0.5;
const LOG_DAYS_KEPT = 7;
const DAYS_PER_MONTH = 30;
const B2_REQUESTS_PER_SECOND = 500;

/** The gateway in front of a private B2 bucket. */
export function nargateBill(usage: Usage, plan: WorkersPlan, edge: EdgeMode): Bill {
  const gateway = gatewayDemand(usage, edge === "workers-cache");
  const requests = gateway.clientRequests + gateway.innerRequests;
  const workers = plan === "free" ? freeItems : paidItems;
  const items = [
    ...workers(usage, requests, gateway.cpuMs, gateway.logGb),
    charge("traffic", PRICES.traffic, readDemand(usage).gbToClients),
    charge("storage", PRICES.b2Storage, gateway.storedGb, { what: "B2 storage" }),
    charge("requests", PRICES.b2Requests, gateway.bucketReads, { what: "B2 GET, HEAD" }),
    charge("requests", PRICES.b2Requests, gateway.bucketWrites, { what: "B2 PUT, parts" }),
    charge("traffic", PRICES.b2ToCloudflare, gateway.gbFromBucket, {
      what: "B2 traffic to Cloudflare",
    }),
  ];
  const perDay = requests / usage.days;
  const obstacles = [
    ...(plan === "free" && perDay > FREE_REQUESTS_PER_DAY
      ? [`${formatQuantity(Math.ceil(perDay))} requests a day, of 100,000`]
      : []),
    ...(plan === "free" && usage.pushes > 0 && gateway.cpuMsOfNar > FREE_CPU_MS
      ? [`${formatQuantity(gateway.cpuMsOfNar)} ms of CPU to push a NAR, of 10`]
      : []),
  ];
  return createBill(items, obstacles, notesOn(usage, edge, gateway));
}

function paidItems(_usage: Usage, requests: number, cpuMs: number, logGb: number): LineItem[] {
  return [
    charge("plan", PRICES.workersPaid, 1),
    charge("requests", PRICES.workersRequests, requests),
    charge("requests", PRICES.workersCpu, cpuMs),
    charge("logs", PRICES.logsIngested, logGb),
    charge("logs", PRICES.logsStored, (logGb * LOG_DAYS_KEPT) / DAYS_PER_MONTH),
  ];
}

function freeItems(usage: Usage, requests: number, _cpuMs: number, logGb: number): LineItem[] {
  return [
    charge("plan", PRICES.workersFree, requests, {
      what: "Workers requests",
      included: FREE_REQUESTS_PER_DAY * usage.days,
    }),
    charge("logs", PRICES.logsFree, logGb, { included: FREE_LOG_GB_PER_DAY * usage.days }),
  ];
}

function notesOn(
  usage: Usage,
  edge: EdgeMode,
  { clientRequests, innerRequests, bucketReads, bucketWrites }: ReturnType<typeof gatewayDemand>,
): readonly string[] {
  const bucketPeak = peakPerSecond(bucketReads + bucketWrites, usage);
  return [
    edge === "workers-cache"
      ? `${formatQuantity(clientRequests)} requests of clients, ${formatQuantity(innerRequests)} inner ones`
      : "needs a domain of your own: on workers.dev the Cache API keeps nothing",
    ...(usage.pushes > 0 && isPushedDirectly(usage.narMb)
      ? ["pushed by nargate push: nix copy sends no body above 100 MB through Cloudflare"]
      : []),
    ...(bucketPeak > B2_REQUESTS_PER_SECOND
      ? [
          `${formatQuantity(Math.ceil(bucketPeak))} bucket requests a second in a busy hour; B2 begins to refuse at 500`,
        ]
      : []),
  ];
}
