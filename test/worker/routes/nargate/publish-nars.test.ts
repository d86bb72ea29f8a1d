import { describe, expect, it } from "vitest";
import { apiRequest, errorOf, post } from "../../../../testkit/workerd/api.ts";
import { lineOf, makePaths, ndjson, publish } from "../../../../testkit/workerd/batches.ts";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import type { FakeStorePath } from "../../../../testkit/store-path.ts";

const lineWithNar = (path: FakeStorePath) => ({ ...lineOf(path), nar: path.nar.toBase64() });

const narinfosOf = (keys: readonly string[]) => keys.filter((key) => key.endsWith(".narinfo"));

describe("a NAR in a line of POST /api/v1/publish", () => {
  it("stores a NAR that comes with its narinfo, and asks the bucket four times", async () => {
    const paths = await makePaths(4);
    const gateway = await startGateway();
    await publish(gateway, paths.slice(0, 1).map(lineWithNar));
    await gateway.bucket.clearRequests();
    expect(await publish(gateway, paths.slice(1).map(lineWithNar))).toContainEqual({ took: 3 });
    const asked = (await gateway.bucket.requests()).map(({ operation }) => operation);
    expect(asked.filter((operation) => operation === "PutObject")).toHaveLength(6);
    expect(asked).toHaveLength(12);
    for (const { narPath, nar, narinfoPath } of paths) {
      const read = await gateway.request(narPath);
      expect(new Uint8Array(await read.arrayBuffer())).toEqual(nar);
      expect((await gateway.request(narinfoPath)).status).toBe(200);
    }
  });

  it("publishes no narinfo before its NAR is durable (law 2)", async () => {
    const [path] = await makePaths(1);
    const gateway = await startGateway();
    await gateway.bucket.addFaults({
      match: { method: "PUT", keyPattern: "/nar/" },
      effect: { delayMs: 200 },
    });
    await publish(
      gateway,
      [path].map((one) => lineWithNar(one as FakeStorePath)),
    );
    const puts = await gateway.bucket.requests({ operation: "PutObject" });
    const written = puts.map(({ key }) => key).filter((key) => /narinfo$|nar\//.test(key));
    expect(written).toEqual([PREFIX + path?.narPath.slice(1), PREFIX + path?.narinfoPath.slice(1)]);
  });

  it("publishes no narinfo whose NAR the bucket does not take", async () => {
    const [path] = await makePaths(1);
    const gateway = await startGateway();
    await gateway.bucket.addFaults({
      match: { method: "PUT", keyPattern: "/nar/" },
      effect: { status: 403, code: "AccessDenied" },
    });
    const lines = await publish(gateway, [lineWithNar(path as FakeStorePath)]);
    expect(lines[0]).toMatchObject({ error: { code: "misconfigured" } });
    expect(narinfosOf(await gateway.bucket.listKeys())).toEqual([]);
  });

  it.each(["A", "AAA\n", "AAAA====", "\u212aAAA"])(
    "refuses %j, which is not base64",
    async (nar) => {
      const [path] = await makePaths(1);
      const gateway = await startGateway();
      const lines = ndjson([{ ...lineOf(path as FakeStorePath), nar }]);
      const response = await gateway.request("/api/v1/publish", apiRequest(lines));
      expect(response.status).toBe(400);
      expect((await errorOf(response)).message).toContain("nar is not base64");
    },
  );

  it("stores no NAR under the name of another", async () => {
    const [path, other] = await makePaths(2);
    const gateway = await startGateway();
    const line = { ...lineWithNar(path as FakeStorePath), nar: other?.nar.toBase64() };
    expect((await publish(gateway, [line]))[0]).toMatchObject({
      error: { code: "nar-hash-mismatch" },
    });
    expect(await gateway.bucket.listKeys("nix/cache/nar/")).toEqual([]);
  });

  it.each([
    { what: "is no base64", nar: "%%%%" },
    { what: "is longer than a line may have", nar: "A".repeat(24_000) },
    { what: "is no text", nar: 1 },
  ])("refuses a NAR that $what", async ({ nar }) => {
    const [path] = await makePaths(1);
    const gateway = await startGateway();
    const line = { ...lineOf(path as FakeStorePath), nar };
    const response = await post(gateway, "publish", ndjson([line]));
    expect(response.status).toBe(400);
    expect((await errorOf(response)).message).toContain("line 1");
  });
});
