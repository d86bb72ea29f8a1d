import { describe, expect, it } from "vitest";
import { errorOf, post } from "../../../../testkit/workerd/api.ts";
import { createFreePlan, FREE_SUBREQUESTS } from "../../../../testkit/workerd/free-plan.ts";
import {
  ADMIN_TOKEN,
  PREFIX,
  PUSH_TOKEN,
  READ_TOKEN,
  startGateway,
  type TestGateway,
} from "../../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";

const PATH = `${HASH}-thing`;
const FOLDER = `${PREFIX}.nargate/pins/`;
const withToken = (token: string) =>
  token === "" ? {} : { headers: { authorization: `Bearer ${token}` } };

interface PinsBody {
  readonly revisions: readonly Record<string, unknown>[];
  readonly unreadable: readonly string[];
  readonly next: string | null;
}

async function listed(gateway: TestGateway, after = ""): Promise<PinsBody> {
  const query = after === "" ? "" : `?after=${encodeURIComponent(after)}`;
  const response = await gateway.request(`/api/v1/pins${query}`, withToken(PUSH_TOKEN));
  expect(response.status).toBe(200);
  return await response.json();
}

const pin = (gateway: TestGateway, fields: object = {}, token?: string) =>
  post(gateway, "pins", { name: "main", path: PATH, keep: "forever", ...fields }, token);

/** Puts revisions of a pin into the bucket, older than every real one. */
async function fill({ bucket }: TestGateway, name: string, count: number): Promise<void> {
  const numbers = Array.from({ length: count }, (_, at) => String(at).padStart(32, "0"));
  await Promise.all(
    numbers.map((hash) =>
      bucket.putObject(`${FOLDER}${name}/${hash.slice(-13)}-forever/${hash}-x/by-ci`, ""),
    ),
  );
}

describe("POST /api/v1/pins", () => {
  it("pins a path for the holder of a push token, and logs it although LOG is faults", async () => {
    const gateway = await startFilledGateway({ LOG: "faults" });
    const response = await pin(gateway, { name: "V1.0", keep: { revisions: 2 } });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ kept: 1, dropped: 0 });
    const { revisions, unreadable, next } = await listed(gateway);
    expect({ unreadable, next }).toEqual({ unreadable: [], next: null });
    expect(revisions).toEqual([
      { name: "V1.0", path: PATH, at: expect.any(String), by: "tests", keep: { revisions: 2 } },
    ]);
    expect(Math.abs(Date.now() - Date.parse(String(revisions[0]?.["at"])))).toBeLessThan(60_000);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({
        code: "pinned",
        name: "V1.0",
        path: PATH,
        by: "tests",
        keep: '{"revisions":2}',
      }),
    );
  });

  it("stores nothing but an object below .nargate/pins/, which no route reads", async () => {
    const gateway = await startFilledGateway();
    const before = await gateway.bucket.listKeys();
    await pin(gateway);
    const [key, ...others] = (await gateway.bucket.listKeys()).filter(
      (one) => !before.includes(one),
    );
    expect([key?.startsWith(FOLDER), others]).toEqual([true, []]);
    await gateway.bucket.clearRequests();
    for (const method of ["GET", "DELETE"]) {
      const path = `/${key?.slice(PREFIX.length)}`;
      const response = await gateway.request(path, { method, ...withToken(ADMIN_TOKEN) });
      expect([400, 404]).toContain(response.status);
    }
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it("asks the bucket for the path, not the edge", async () => {
    const gateway = await startFilledGateway();
    await gateway.request(`/${HASH}.narinfo`);
    await gateway.request(`/${HASH}.narinfo`, { method: "DELETE", ...withToken(ADMIN_TOKEN) });
    const error = await errorOf(await pin(gateway));
    expect(error.code).toBe("pin-path-absent");
    expect(error.message).toBe(
      `Push the path before you pin it (nargate push; with --all if another cache signed it): the bucket does not hold ${PATH}.`,
    );
  });

  it("names the revisions that it drops in the log", async () => {
    const gateway = await startFilledGateway();
    await fill(gateway, "main", 2);
    const response = await pin(gateway, { keep: { revisions: 1 } });
    expect(await response.json()).toEqual({ kept: 1, dropped: 2 });
    const dropped = `${"0".repeat(32)}-x, ${"0".repeat(31)}1-x`;
    expect(gateway.log).toContainEqual(expect.objectContaining({ code: "pinned", dropped }));
  });

  it.each([
    { what: "a name with a slash", fields: { name: "a/b" }, says: "name is not 1 to 100 letters" },
    { what: "a name of dots", fields: { name: ".." }, says: "name is not 1 to 100 letters" },
    { what: "a whole path", fields: { path: `/nix/store/${PATH}` }, says: "path is not <hash>" },
    { what: "an unknown rule", fields: { keep: { days: 0 } }, says: 'keep is not "forever"' },
  ])("refuses $what, and asks the bucket nothing", async ({ fields, says }) => {
    const gateway = await startGateway();
    const error = await errorOf(await pin(gateway, fields));
    expect(error).toMatchObject({
      code: "upload-malformed",
      message: expect.stringContaining(says),
    });
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([
    { what: "no token", token: "", status: 401 },
    { what: "a token that may only read", token: READ_TOKEN, status: 403 },
  ])("refuses $what", async ({ token, status }) => {
    const gateway = await startFilledGateway();
    expect((await pin(gateway, {}, token)).status).toBe(status);
    expect((await gateway.request("/api/v1/pins", withToken(token))).status).toBe(status);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it("keeps the pin when the bucket loses the answer", async () => {
    const gateway = await startFilledGateway();
    await gateway.bucket.addFaults({
      match: { operation: "PutObject" },
      count: 1,
      effect: { dropConnection: "after-commit" },
    });
    expect((await pin(gateway)).status).toBe(200);
    expect((await listed(gateway)).revisions).toHaveLength(1);
  });
});

describe("GET /api/v1/pins", () => {
  it("answers page by page, one request to the bucket each", async () => {
    const gateway = await startFilledGateway();
    await fill(gateway, "many", 1001);
    await pin(gateway, { name: "z" });
    await gateway.bucket.clearRequests();
    const first = await listed(gateway);
    expect(first.revisions).toHaveLength(1000);
    const second = await listed(gateway, first.next ?? "");
    expect(second.revisions.map(({ name }) => name)).toEqual(["many", "z"]);
    expect(second.next).toBeNull();
    expect(await gateway.bucket.countRequests()).toBe(2);
  });

  it("lists objects that are no pins, beside the pins", async () => {
    const gateway = await startFilledGateway();
    await pin(gateway);
    for (const name of [".bzEmpty", "main/&<\"'", "main/9999999999999-forever/x"]) {
      await gateway.bucket.putObject(FOLDER + name, "{");
    }
    const { revisions, unreadable } = await listed(gateway);
    expect(revisions).toHaveLength(1);
    expect(unreadable).toEqual([".bzEmpty", "main/&<\"'", "main/9999999999999-forever/x"]);
  });

  it.each(["../../../", "\u0000", "%2F..", "main/../../"])(
    "never leaves the folder for %j",
    async (after) => {
      const gateway = await startFilledGateway();
      await pin(gateway);
      const query = encodeURIComponent(after);
      const response = await gateway.request(`/api/v1/pins?after=${query}`, withToken(PUSH_TOKEN));
      expect([200, 503]).toContain(response.status);
      expect(await response.text()).not.toContain("narinfo");
    },
  );

  it("refuses a query that is too long", async () => {
    const { request } = await startGateway();
    const response = await request(`/api/v1/pins?after=${"x".repeat(1025)}`, withToken(PUSH_TOKEN));
    expect((await errorOf(response)).code).toBe("upload-malformed");
  });

  it("fails if the bucket does, rather than leave out a pin", async () => {
    const gateway = await startFilledGateway();
    await gateway.bucket.addFaults({
      match: { operation: "ListObjectsV2" },
      effect: { status: 503, code: "SlowDown" },
    });
    const response = await gateway.request("/api/v1/pins", withToken(PUSH_TOKEN));
    expect((await errorOf(response)).code).toBe("bucket-unavailable");
  });

  it("names its methods", async () => {
    const { request } = await startGateway();
    const response = await request("/api/v1/pins", { method: "PUT", body: "x" });
    expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD, POST"]);
  });
});

describe("POST /api/v1/pins/remove", () => {
  it("removes a pin for an admin, and logs what was pinned", async () => {
    const gateway = await startFilledGateway();
    await pin(gateway);
    const response = await post(gateway, "pins/remove", { name: "main" }, ADMIN_TOKEN);
    expect(await response.json()).toEqual({ removed: 1, rest: false });
    expect((await listed(gateway)).revisions).toEqual([]);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({
        level: "warn",
        code: "unpinned",
        name: "main",
        by: "root",
        dropped: PATH,
      }),
    );
    const again = await errorOf(await post(gateway, "pins/remove", { name: "main" }, ADMIN_TOKEN));
    expect(again.code).toBe("pin-unknown");
  });

  it("refuses a push token", async () => {
    const gateway = await startFilledGateway();
    await pin(gateway);
    const response = await post(gateway, "pins/remove", { name: "main" }, PUSH_TOKEN);
    expect(response.status).toBe(403);
    expect((await errorOf(response)).message).toContain("admin");
    expect((await listed(gateway)).revisions).toHaveLength(1);
  });
});

describe("pins on the free plan", () => {
  it("need no more than its 50 subrequests, while some attempts fail", async () => {
    const plan = createFreePlan();
    const gateway = await startGateway({}, undefined, plan.limit);
    const narinfo = `StorePath: /nix/store/${OTHER_HASH}-x\nURL: nar/x.nar\nNarHash: sha256:${"0".repeat(52)}\nNarSize: 1\n`;
    await gateway.bucket.putObject(`${PREFIX}${OTHER_HASH}.narinfo`, narinfo);
    await fill(gateway, "main", 100);
    await gateway.bucket.addFaults({
      skip: 5,
      count: 10,
      effect: { status: 503, code: "SlowDown" },
    });
    const body = { path: `${OTHER_HASH}-x`, keep: { revisions: 1 } };
    expect((await pin(gateway, body)).status).toBe(200);
    expect((await post(gateway, "pins/remove", { name: "main" }, ADMIN_TOKEN)).status).toBe(200);
    expect(plan.most()).toBeGreaterThan(30);
    expect(plan.most()).toBeLessThanOrEqual(FREE_SUBREQUESTS);
  });
});
