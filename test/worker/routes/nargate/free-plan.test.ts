import { describe, expect, it } from "vitest";
import { apiRequest, post } from "../../../../testkit/workerd/api.ts";
import {
  lineOf,
  makePaths,
  ndjson,
  publish,
  putNars,
} from "../../../../testkit/workerd/batches.ts";
import { createFreePlan, FREE_SUBREQUESTS } from "../../../../testkit/workerd/free-plan.ts";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";

async function startOnFreePlan() {
  const plan = createFreePlan();
  const gateway = await startGateway({}, undefined, plan.limit);
  return { ...gateway, plan };
}

/** Sends again what the gateway did not take, as a client does. Returns the number of requests. */
async function publishAll(
  gateway: Awaited<ReturnType<typeof startOnFreePlan>>,
  lines: readonly { path: string }[],
): Promise<number> {
  const left = new Map(lines.map((line) => [line.path, line]));
  for (let requests = 1; requests < 50; requests++) {
    const ends = await publish(gateway, [...left.values()]);
    for (const { path, outcome } of ends) if (outcome !== undefined) left.delete(String(path));
    if (left.size === 0) return requests;
  }
  throw new Error(`${left.size} are left`);
}

describe("a gateway on the free plan, which refuses the 51st subrequest of a request", () => {
  it("publishes 30 narinfos in a chain, some at each request", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(30, true);
    await putNars(gateway, paths);
    const requests = await publishAll(gateway, paths.map(lineOf));
    expect(requests).toBe(Math.ceil(30 / 8));
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("needs no more where it must ask for every NAR", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(20);
    for (const { narPath, nar } of paths) {
      await gateway.bucket.putObject(PREFIX + narPath.slice(1), nar);
    }
    await publishAll(gateway, paths.map(lineOf));
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("makes progress while every other request to the bucket fails once", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(10);
    await putNars(gateway, paths);
    for (let at = 0; at < 40; at++) {
      await gateway.bucket.addFaults({
        skip: 1,
        count: 1,
        effect: { status: 503, code: "SlowDown" },
      });
    }
    await publishAll(gateway, paths.map(lineOf));
    const stored = (await gateway.bucket.listKeys()).filter((key) => key.endsWith(".narinfo"));
    expect(stored).toHaveLength(10);
  });

  it("finds the missing ones among many objects, some at each request", async () => {
    const gateway = await startOnFreePlan();
    const paths = Array.from(
      { length: 400 },
      (_, at) => `${String(at).padStart(4, "0")}${"0".repeat(28)}`,
    );
    const wanted = paths.filter((_, at) => at % 5 === 0);
    // So that each hash takes a request of its own: no page of this bucket is the last.
    await gateway.bucket.addFaults({
      match: { operation: "ListObjectsV2" },
      effect: { status: 200, headers: {} },
    });
    await gateway.bucket.clearFaults();
    for (const path of paths.slice(0, 40)) {
      await gateway.bucket.putObject(`${PREFIX}${path}.narinfo`, "StorePath: …");
    }
    let rest: readonly string[] = wanted;
    const missing: string[] = [];
    for (let requests = 0; rest.length > 0 && requests < 20; requests++) {
      const answer: { missing: string[]; rest: string[] } = await (
        await post(gateway, "missing", { paths: rest })
      ).json();
      missing.push(...answer.missing);
      rest = answer.rest;
    }
    expect(missing.toSorted()).toEqual(wanted.filter((path) => path >= (paths[40] ?? "")));
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("ends an answer also where the budget is used up by attempts", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(8);
    await putNars(gateway, paths);
    await gateway.bucket.addFaults({
      match: { keyPattern: "narinfo$", method: "GET" },
      effect: { status: 503, code: "SlowDown" },
    });
    const body = apiRequest(ndjson(paths.map(lineOf)));
    const text = await (await gateway.request("/api/v1/publish", body)).text();
    expect(text).toContain("bucket-unavailable");
    expect(text).toMatch(/\{"took":\d\}\n$/);
  }, 60_000);
});
