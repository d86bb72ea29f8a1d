import { PRICES } from "../../src/prices/price-list.ts";
import { type Bill, charge, createBill, type LineItem } from "./bill.ts";
import { b2PeakNotes } from "./bucket-bills.ts";
import { type GatewayDemand, gatewayDemand, readDemand } from "./demand.ts";
import { formatQuantity } from "./format-prices.ts";
import { isPushedDirectly } from "./push-demand.ts";
import type { Usage } from "./usage.ts";

export type WorkersPlan = "free" | "paid";
export type EdgeMode = "workers-cache" | "cache-api";

const FREE_REQUESTS_PER_DAY = 100_000;
const FREE_CPU_MS = 10;
const FREE_LOG_GB_PER_DAY = 0.5;
const LOG_DAYS_KEPT = 7;
const DAYS_PER_MONTH = 30;

/** Returns the bill of Nargate: the gateway in front of a private B2 bucket. */
export function nargateBill(usage: Usage, plan: WorkersPlan, edge: EdgeMode): Bill {
  const gateway = gatewayDemand(usage, edge === "workers-cache");
  const items = [
    ...(plan === "free" ? freeItems(gateway, usage.days) : paidItems(gateway)),
    charge("traffic", PRICES.traffic, readDemand(usage).gbToClients),
    charge("storage", PRICES.b2Storage, gateway.storedGb, { what: "B2 storage" }),
    charge("requests", PRICES.b2Requests, gateway.bucketReads, { what: "B2 GET, HEAD" }),
    charge("requests", PRICES.b2Requests, gateway.bucketWrites, { what: "B2 PUT, parts" }),
    charge("traffic", PRICES.b2ToCloudflare, gateway.gbFromBucket, {
      what: "B2 traffic to Cloudflare",
    }),
  ];
  const obstacles = plan === "free" ? freeObstacles(gateway, usage) : [];
  return createBill(items, obstacles, notesOn(usage, edge, gateway));
}

/** Returns the requests that Cloudflare bills, which include the inner ones. */
function workerRequests({ clientRequests, innerRequests }: GatewayDemand): number {
  return clientRequests + innerRequests;
}

function paidItems(gateway: GatewayDemand): LineItem[] {
  const { cpuMs, logGb } = gateway;
  return [
    charge("plan", PRICES.workersPaid, 1),
    charge("requests", PRICES.workersRequests, workerRequests(gateway)),
    charge("requests", PRICES.workersCpu, cpuMs),
    charge("logs", PRICES.logsIngested, logGb),
    charge("logs", PRICES.logsStored, (logGb * LOG_DAYS_KEPT) / DAYS_PER_MONTH),
  ];
}

function freeItems(gateway: GatewayDemand, days: number): LineItem[] {
  return [
    charge("plan", PRICES.workersFree, workerRequests(gateway), {
      what: "Workers requests",
      included: FREE_REQUESTS_PER_DAY * days,
    }),
    charge("logs", PRICES.logsFree, gateway.logGb, { included: FREE_LOG_GB_PER_DAY * days }),
  ];
}

function freeObstacles(gateway: GatewayDemand, { days, pushes }: Usage): readonly string[] {
  const perDay = workerRequests(gateway) / days;
  const { cpuMsOfNar } = gateway;
  return [
    ...(perDay > FREE_REQUESTS_PER_DAY
      ? [
          `${formatQuantity(Math.ceil(perDay))} requests a day (limit ${formatQuantity(FREE_REQUESTS_PER_DAY)})`,
        ]
      : []),
    ...(pushes > 0 && cpuMsOfNar > FREE_CPU_MS
      ? [`${formatQuantity(cpuMsOfNar)} ms of CPU to push a NAR (limit ${FREE_CPU_MS} ms)`]
      : []),
  ];
}

function notesOn(
  usage: Usage,
  edge: EdgeMode,
  { clientRequests, innerRequests, bucketReads, bucketWrites }: GatewayDemand,
): readonly string[] {
  return [
    edge === "workers-cache"
      ? `${formatQuantity(clientRequests)} requests from clients, and ${formatQuantity(innerRequests)} inner requests from the gateway to its cached entrypoint`
      : "needs your own domain: on workers.dev the Cache API stores nothing",
    ...(usage.pushes > 0 && isPushedDirectly(usage.narMb)
      ? [
          "assumes that nargate push sends these NARs straight to B2; nix copy sends them through the gateway, where Cloudflare accepts at most 100 MB",
        ]
      : []),
    ...b2PeakNotes(bucketReads + bucketWrites, usage),
  ];
}
