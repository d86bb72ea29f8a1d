import { describe, expect, it } from "vitest";
import { NARINFOS_AT_ONCE } from "../../../../src/api/batches.ts";
import type { Gateway } from "../../../../src/worker/gateway.ts";
import { apiRequest, linesOf, post } from "../../../../testkit/workerd/api.ts";
import { makeNar, makePackedPath } from "../../../../testkit/packed-path.ts";
import type { FakeStorePath } from "../../../../testkit/store-path.ts";
import {
  lineOf,
  makePaths,
  ndjson,
  publish,
  putNars,
} from "../../../../testkit/workerd/batches.ts";
import { createFreePlan, FREE_SUBREQUESTS } from "../../../../testkit/workerd/free-plan.ts";
import { startFilterGateway } from "../../../../testkit/workerd/filter-gateway.ts";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";

async function startOnFreePlan(settings: Record<string, string> = {}) {
  const plan = createFreePlan();
  const gateway = await startGateway(settings, undefined, plan.limit);
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

/** Lists three objects a page, as if the bucket were large. */
function withSmallPages(gateway: Gateway): Gateway {
  return {
    ...gateway,
    openBucket(cache, meter) {
      const bucket = gateway.openBucket(cache, meter);
      return { ...bucket, list: (start, options) => bucket.list(start, { ...options, limit: 3 }) };
    },
  };
}

/** Tells another ETag at each look, as a proxy does that makes entity tags weak. */
function withOtherTags(gateway: Gateway): Gateway {
  return {
    ...gateway,
    openBucket(cache, meter) {
      const bucket = gateway.openBucket(cache, meter);
      return {
        ...bucket,
        async head(path) {
          const stored = await bucket.head(path);
          return stored && { ...stored, etag: `W/${stored.etag}` };
        },
      };
    },
  };
}

const lineWithListing = (path: Pick<FakeStorePath, "hash" | "narinfo">) => ({
  ...lineOf(path),
  listing: "{}",
});

describe("a gateway on the free plan, which refuses the 51st subrequest of a request", () => {
  it("publishes 30 narinfos in a chain, some at each request", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(30, true);
    await putNars(gateway, paths);
    const requests = await publishAll(gateway, paths.map(lineWithListing));
    expect(requests).toBe(Math.ceil(30 / NARINFOS_AT_ONCE));
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("needs no more for NARs that come with their narinfos", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(20);
    const lines = paths.map((path) => ({ ...lineWithListing(path), nar: path.nar.toBase64() }));
    await publishAll(gateway, lines);
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("needs no more where it must read every narinfo again", async () => {
    const plan = createFreePlan();
    const gateway = await startGateway({}, undefined, (whole) => withOtherTags(plan.limit(whole)));
    const paths = await makePaths(20);
    const lines = paths.map((path) => ({ ...lineWithListing(path), nar: path.nar.toBase64() }));
    // The first request also writes nix-cache-info.
    await publishAll({ ...gateway, plan }, lines.slice(0, 1));
    await publishAll({ ...gateway, plan }, lines.slice(1));
    const asked = (await gateway.bucket.requests()).map(({ operation }) => operation);
    expect(asked.filter((operation) => operation === "GetObject")).toHaveLength(40);
    expect(plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("needs no more where it must ask for every NAR", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(20);
    for (const { narPath, nar } of paths) {
      await gateway.bucket.putObject(PREFIX + narPath.slice(1), nar);
    }
    await publishAll(gateway, paths.map(lineWithListing));
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("needs no more where it reads every NAR back", async () => {
    const gateway = await startOnFreePlan({ PROVE: "contents" });
    const lines: { path: string }[] = [];
    for (let at = 0; at < 12; at++) {
      const path = await makePackedPath("0123456789abcdf".charAt(at).repeat(32), makeNar(500, at));
      await gateway.bucket.putObject(PREFIX + path.narPath.slice(1), path.file);
      lines.push(lineWithListing(path));
    }
    await publishAll(gateway, lines);
    expect(gateway.plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("needs no more where it unpacks NARs that come with their narinfos, and marks them", async () => {
    const plan = createFreePlan();
    const gateway = await startFilterGateway({ PROVE: "contents" }, {}, plan.limit);
    const lines: { path: string }[] = [];
    for (let at = 0; at < 12; at++) {
      const path = await makePackedPath("0123456789abcdf".charAt(at).repeat(32), makeNar(500, at));
      lines.push({ ...lineWithListing(path), nar: path.file.toBase64() } as { path: string });
    }
    await publishAll({ ...gateway, plan }, lines);
    expect(plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
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
    await publishAll(gateway, paths.map(lineWithListing));
    const stored = (await gateway.bucket.listKeys()).filter((key) => key.endsWith(".narinfo"));
    expect(stored).toHaveLength(10);
  });

  it("finds the missing ones where a page holds few, some at each request", async () => {
    const plan = createFreePlan();
    const gateway = await startGateway({}, undefined, (whole) => withSmallPages(plan.limit(whole)));
    const paths = Array.from({ length: 200 }, (_, at) => String(at).padStart(32, "0"));
    for (const path of paths.slice(0, 150)) {
      await gateway.bucket.putObject(`${PREFIX}${path}.narinfo`, "StorePath: …");
    }
    let rest: readonly string[] = paths;
    const missing: string[] = [];
    let requests = 0;
    for (; rest.length > 0 && requests < 20; requests++) {
      const response = await post(gateway, "missing", { paths: rest });
      const answer: { missing: string[]; rest: string[] } = await response.json();
      missing.push(...answer.missing);
      rest = answer.rest;
    }
    expect(missing.toSorted()).toEqual(paths.slice(150));
    expect(requests).toBeGreaterThan(1);
    expect(plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });

  it("ends an answer also where the budget is used up by attempts", async () => {
    const gateway = await startOnFreePlan();
    const paths = await makePaths(8);
    await putNars(gateway, paths);
    await gateway.bucket.addFaults({
      match: { keyPattern: "narinfo$", method: "GET" },
      effect: { status: 503, code: "SlowDown" },
    });
    const body = apiRequest(ndjson(paths.map(lineWithListing)));
    const lines = await linesOf(await gateway.request("/api/v1/publish", body));
    expect(JSON.stringify(lines)).toContain("bucket-unavailable");
    expect(lines.at(-1)).toEqual({ took: expect.any(Number) });
  }, 60_000);
});
