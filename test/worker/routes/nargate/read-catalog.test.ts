import { describe, expect, it } from "vitest";
import {
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
  formatPublicKey,
} from "../../../../src/nix/signature.ts";
import type { StorePathHash } from "../../../../src/nix/store-path.ts";
import { errorOf, linesOf } from "../../../../testkit/workerd/api.ts";
import { makePaths } from "../../../../testkit/workerd/batches.ts";
import { createTestCatalog } from "../../../../testkit/workerd/catalog.ts";
import {
  BROKEN_CATALOGS,
  brokenCatalog,
  startCatalogGateway,
} from "../../../../testkit/workerd/catalog-gateway.ts";
import {
  ADMIN_TOKEN,
  PREFIX,
  PUSH_TOKEN,
  READ_TOKEN,
  startGateway,
} from "../../../../testkit/workerd/gateway.ts";
import { createMemoryBucket } from "../../../../testkit/workerd/memory-bucket.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";
import { valueOf } from "../../../../testkit/value-of.ts";

const A = "a".repeat(32);
const ROUTES = [
  "/api/v1/paths",
  `/api/v1/paths/${A}`,
  `/api/v1/paths/${A}/closure`,
  "/api/v1/search?name=hello",
  "/api/v1/stats",
] as const;
const as = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const PUSHER = as(PUSH_TOKEN);

/** A gateway whose catalog knows some paths, each of which refers to the one before. */
async function startKnown(count = 4) {
  const bucket = createMemoryBucket();
  const catalog = createTestCatalog({ bucket });
  const paths = await makePaths(count, true);
  for (const { narinfoPath, narinfo } of paths) bucket.setText(narinfoPath.slice(1), narinfo);
  await catalog.settle();
  return { catalog, paths, ...(await startCatalogGateway(catalog)) };
}

describe.each(ROUTES)("GET %s", (route) => {
  it("needs the scope push, also in a public cache", async () => {
    const { request } = await startKnown(1);
    expect((await request(route)).status).toBe(401);
    const refused = await request(route, as(READ_TOKEN));
    expect([refused.status, (await errorOf(refused)).code]).toEqual([403, "scope-missing"]);
    expect((await errorOf(await request(route, as("wrong")))).code).toBe("credential-wrong");
    for (const token of [PUSH_TOKEN, ADMIN_TOKEN]) {
      expect([200, 404]).toContain((await request(route, as(token))).status);
    }
    const posted = await request(route, { method: "POST", ...PUSHER });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  it("says with CATALOG=off how to turn it on", async () => {
    const { request } = await startGateway();
    const response = await request(route, PUSHER);
    expect(response.status).toBe(404);
    expect(await errorOf(response)).toMatchObject({
      code: "catalog-off",
      message: "This cache keeps no catalog. Its operator can turn it on with CATALOG=on.",
    });
  });

  it.each(Object.entries(BROKEN_CATALOGS))(
    "has a sentence for a catalog %s",
    async (what, call) => {
      const { request, log } = await startCatalogGateway(brokenCatalog(call));
      const response = await request(route, PUSHER);
      const { code, message } = await errorOf(response);
      expect(response.status).toBe(503);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(code).toBe(what.includes("used up") ? "catalog-over-limit" : "catalog-unavailable");
      expect(message).toContain("Pulls work without it");
      expect(message).not.toMatch(/broke|Exceeded/);
      expect(log.at(-1)).toMatchObject({ level: "warn", fault: code });
    },
  );
});

describe("the routes of the catalog", () => {
  it("give pages that follow each other", async () => {
    const { request, paths } = await startKnown();
    for (const order of ["hash", "name"]) {
      const first = await request(`/api/v1/paths?order=${order}&limit=3`, PUSHER);
      const page: { next: string; paths: { hash: string }[] } = await first.json();
      const rest = await request(
        `/api/v1/paths?order=${order}&after=${encodeURIComponent(page.next)}`,
        PUSHER,
      );
      const last: { next: null; complete: boolean; paths: { hash: string }[] } = await rest.json();
      expect([...page.paths, ...last.paths].map(({ hash }) => hash)).toEqual(
        paths.map(({ hash }) => hash),
      );
      expect(last).toMatchObject({ next: null, complete: true });
    }
    const found = await request("/api/v1/search?name=thin&limit=1", PUSHER);
    expect(await found.json()).toMatchObject({
      paths: [{ name: "thing" }],
      next: expect.any(String),
    });
  });

  it("give a closure as lines, or its sums alone", async () => {
    const { request, paths } = await startKnown();
    const url = `/api/v1/paths/${paths[2]?.hash}/closure`;
    const lines = await linesOf(await request(url, PUSHER));
    expect(lines.map((line) => line["hash"])).toEqual([
      ...[2, 1, 0].map((at) => paths[at]?.hash),
      undefined,
    ]);
    expect(lines.at(-1)).toMatchObject({ totals: { paths: 3, missing: 0, narSize: 3000 } });
    expect(await linesOf(await request(`${url}?paths=false`, PUSHER))).toHaveLength(1);
  });

  it("call a path unknown only if they know the whole bucket", async () => {
    const catalog = createTestCatalog({ bucket: createMemoryBucket() });
    const { request } = await startCatalogGateway(catalog);
    const codes = async () =>
      await Promise.all(
        [`/api/v1/paths/${A}`, `/api/v1/paths/${A}/closure`].map(async (route) => {
          const response = await request(route, PUSHER);
          return [response.status, (await errorOf(response)).code];
        }),
      );
    expect(await codes()).toEqual([1, 2].map(() => [503, "catalog-incomplete"]));
    await catalog.settle();
    expect(await codes()).toEqual([1, 2].map(() => [404, "path-not-in-catalog"]));
  });

  it.each([
    ["/api/v1/paths?limit=0", "limit is not a number from 1 to 1000"],
    ["/api/v1/paths?limit=1001", "limit is not"],
    ["/api/v1/paths?order=size", "order is neither"],
    ["/api/v1/paths?after=~", "after is of no earlier page"],
    ["/api/v1/paths?order=name&after=abc", "after is of no earlier page"],
    ["/api/v1/paths?since=1", "it may have order, after, limit alone"],
    ["/api/v1/paths/..%2f", "no hash of 32 characters"],
    ["/api/v1/search", "name is missing"],
    ["/api/v1/search?name=50%25", "a character that no store path has"],
    [`/api/v1/search?name=${"a".repeat(212)}`, "name is too long"],
  ])("refuse %s, and ask nothing", async (url, says) => {
    const { request } = await startCatalogGateway(
      brokenCatalog(async () => {
        throw new Error("asked");
      }),
    );
    const response = await request(url, PUSHER);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({
      code: "query-malformed",
      message: expect.stringContaining(says),
    });
  });

  it("say which signatures of a path are true, by the narinfo in the bucket", async () => {
    const [own, other] = await Promise.all(["own-1", "other-1"].map(generateSecretKey));
    const path = await makeStorePath(A, {
      signWith: [own ?? "", other ?? ""],
      references: [`${A}-thing`],
    });
    const fake = `Sig: own-2:${btoa("x".repeat(64))}\n`;
    const catalog = createTestCatalog({ bucket: createMemoryBucket() });
    const text = path.narinfo + fake;
    await catalog.note({ by: "ci", narinfos: [{ hash: A as StorePathHash, text }] });
    const keys = ["own-1", "own-2"].map((name) => {
      const { publicKey } = { publicKey: publicKeyOf(valueOf(parseSecretKey(own ?? ""))) };
      return formatPublicKey({ ...publicKey, name });
    });
    const { request, bucket } = await startCatalogGateway(catalog, { PUBLIC_KEYS: keys.join(" ") });
    const verdicts = async () => {
      const known: { signatures: unknown } = await (
        await request(`/api/v1/paths/${A}`, PUSHER)
      ).json();
      return known.signatures;
    };
    // The narinfo is not in the bucket.
    expect(await verdicts()).toEqual(
      ["own-1", "other-1", "own-2"].map((keyName) => ({ keyName, verdict: "unchecked" })),
    );
    await bucket.putObject(`${PREFIX}${A}.narinfo`, text);
    expect(await verdicts()).toEqual([
      { keyName: "own-1", verdict: "valid" },
      { keyName: "other-1", verdict: "unknown-key" },
      { keyName: "own-2", verdict: "false" },
    ]);
  });
});
