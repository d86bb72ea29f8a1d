import { describe, expect, it } from "vitest";
import { makeStorePath } from "../../../../testkit/store-path.ts";
import { lineOf, makePaths, publish, putNars } from "../../../../testkit/workerd/batches.ts";
import { startFilterGateway } from "../../../../testkit/workerd/filter-gateway.ts";
import {
  ADMIN_TOKEN,
  PREFIX,
  PUSH_TOKEN,
  startGateway,
} from "../../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH } from "../../../../testkit/workerd/prepared.ts";

const FOLDER = `${PREFIX}.nargate/absence/`;
const ABSENT = `/${OTHER_HASH}.narinfo`;

/** The requests to the bucket that a look at the folder does not explain. */
async function asked(bucket: Awaited<ReturnType<typeof startFilterGateway>>["bucket"]) {
  const requests = await bucket.requests();
  return requests
    .filter(({ operation, key }) => operation !== "ListObjectsV2" && !key.includes(".nargate/"))
    .map(({ method, key }) => `${method} ${key.slice(PREFIX.length)}`);
}

describe("a narinfo that the cache lacks, with ABSENT=filter", () => {
  it("is answered 404 without the bucket and without the edge, and no cache keeps the answer", async () => {
    const { bucket, confirm, request } = await startFilterGateway();
    await confirm();
    await bucket.clearRequests();
    for (const method of ["GET", "HEAD"]) {
      const response = await request(ABSENT, { method });
      expect(response.status).toBe(404);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("server-timing")).toBe(
        'edge;desc="filter", bucket;dur=0.0;desc="0"',
      );
    }
    expect(await asked(bucket)).toEqual([]);
  });

  it("is asked of the bucket before there is a confirmed filter", async () => {
    const { bucket, request } = await startFilterGateway();
    const response = await request(ABSENT);
    expect(response.headers.get("cache-control")).toContain("max-age=10");
    expect(await asked(bucket)).toEqual([`GET ${ABSENT.slice(1)}`]);
  });

  it("is asked of the bucket for a pusher", async () => {
    const { bucket, confirm, request } = await startFilterGateway();
    await confirm();
    await bucket.clearRequests();
    await request(ABSENT, { headers: { authorization: `Bearer ${PUSH_TOKEN}` } });
    expect(await asked(bucket)).toEqual([`GET ${ABSENT.slice(1)}`]);
  });

  it("is asked of the bucket if the filter is damaged", async () => {
    const { bucket, confirm, openOther } = await startFilterGateway();
    await confirm();
    for (const key of await bucket.listKeys(`${FOLDER}filter-`)) {
      const { bytes } = (await bucket.getObject(key)) ?? { bytes: new Uint8Array() };
      await bucket.putObject(key, bytes.slice(0, -1) as Uint8Array<ArrayBuffer>);
    }
    const other = openOther();
    await other.refresh();
    expect(other.state).toBe("no-filter");
  });

  it("is asked of the bucket by another deployment, which has not seen who writes", async () => {
    const { confirm, openOther } = await startFilterGateway();
    await confirm();
    const other = openOther("second");
    await other.refresh();
    expect(other.state).toBe("other-deployment");
  });

  it("is asked of the bucket if the platform does not name the deployment", async () => {
    const { bucket, openOther } = await startFilterGateway();
    const other = openOther("");
    await other.refresh();
    expect(other.state).toBe("no-deployment");
    expect(await bucket.countRequests()).toBe(0);
  });

  it("is asked of the bucket when the bucket cannot be looked at", async () => {
    const { absences, bucket, openOther, confirm } = await startFilterGateway();
    await confirm();
    await bucket.addFaults({ match: {}, effect: { status: 403, code: "AccessDenied" } });
    const other = openOther();
    await other.refresh();
    expect(other.state).toBe("bucket-failed");
    // The earlier look is still young.
    expect(absences.isAbsent(OTHER_HASH as never)).toBe(true);
  });
});

describe("a push, with ABSENT=filter", () => {
  it("marks the path before its narinfo is visible, and every isolate sees it", async () => {
    const { bucket, confirm, openOther, push, request } = await startFilterGateway();
    const path = await makeStorePath(HASH);
    await push(path.narPath, path.nar);
    await confirm();
    const other = openOther();
    await other.refresh();
    expect(other.isAbsent(HASH as never)).toBe(true);
    await bucket.clearRequests();
    expect((await push(path.narinfoPath, path.narinfo)).status).toBe(200);
    const puts = (await bucket.requests({ method: "PUT" })).map(({ key }) => key);
    expect(puts.filter((key) => !key.endsWith("nix-cache-info"))).toEqual([
      expect.stringContaining(`${FOLDER}published-`),
      `${PREFIX}${HASH}.narinfo`,
    ]);
    expect((await request(path.narinfoPath)).status).toBe(200);
    await other.refresh();
    expect(other.isAbsent(HASH as never)).toBe(false);
    expect(other.isAbsent(OTHER_HASH as never)).toBe(true);
  });

  it("is not published if its marker cannot be written", async () => {
    const { bucket, push } = await startFilterGateway();
    const path = await makeStorePath(HASH);
    await push(path.narPath, path.nar);
    await bucket.addFaults({
      match: { method: "PUT", keyPattern: "published-" },
      effect: { status: 403, code: "AccessDenied" },
    } as never);
    expect((await push(path.narinfoPath, path.narinfo)).status).toBeGreaterThanOrEqual(500);
    expect(await bucket.listKeys(`${PREFIX}${HASH}.narinfo`)).toEqual([]);
  });

  it("writes one marker for a batch", async () => {
    const gateway = await startFilterGateway();
    const paths = await makePaths(5);
    await putNars(gateway, paths);
    expect(await publish(gateway, paths.map(lineOf))).toHaveLength(6);
    const markers = await gateway.bucket.listKeys(`${FOLDER}published-`);
    expect(markers).toHaveLength(1);
    for (const { hash } of paths) expect(markers[0]).toContain(hash.slice(0, 12));
  });

  it("writes no marker with ABSENT=bucket", async () => {
    const { bucket, push } = await startGateway();
    const path = await makeStorePath(HASH);
    await push(path.narPath, path.nar);
    await push(path.narinfoPath, path.narinfo);
    expect(await bucket.listKeys(`${PREFIX}.nargate/`)).toEqual([]);
  });
});

describe("a narinfo that was published past the gateway", () => {
  it("switches the filter off until the operator removes the note", async () => {
    const { absences, bucket, confirm, log, openOther } = await startFilterGateway(
      {},
      { foldMilliseconds: 0 },
    );
    await confirm();
    await bucket.putObject(`${PREFIX}${HASH}.narinfo`, "from elsewhere");
    for (let tries = 0; tries < 30 && absences.state !== "off"; tries++) {
      await absences.refresh();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(absences.state).toBe("off");
    expect(absences.isAbsent(OTHER_HASH as never)).toBe(false);
    expect(log).toContainEqual(expect.objectContaining({ code: "absence-foreign-narinfo" }));
    expect(await bucket.listKeys(FOLDER)).toEqual([`${FOLDER}off`]);
    const other = openOther("second");
    await other.refresh();
    expect(other.state).toBe("off");
  });
});

describe("GET /healthz, with ABSENT=filter", () => {
  it("tells an admin whether absences are answered by the filter", async () => {
    const { confirm, request } = await startFilterGateway();
    const health = async () => {
      const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
      const { checks } = (await (await request("/healthz", { headers })).json()) as {
        readonly checks: readonly { readonly check: string }[];
      };
      return checks.find(({ check }) => check === "absences");
    };
    expect(await health()).toMatchObject({ verdict: "skipped" });
    await confirm();
    expect(await health()).toMatchObject({ verdict: "ok" });
  });
});
