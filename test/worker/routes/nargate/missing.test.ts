import { describe, expect, it } from "vitest";
import { MAX_MISSING_HASHES } from "../../../../src/api/batches.ts";
import { errorOf, post } from "../../../../testkit/workerd/api.ts";
import { PREFIX, READ_TOKEN, startGateway } from "../../../../testkit/workerd/gateway.ts";

const A = "a".repeat(32);
const B = "b".repeat(32);

describe("POST /api/v1/missing", () => {
  it("says which narinfos the bucket does not have, from the bucket and not from the edge", async () => {
    const gateway = await startGateway();
    await gateway.request(`/${A}.narinfo`);
    await gateway.bucket.putObject(`${PREFIX}${A}.narinfo`, "StorePath: …");
    const response = await post(gateway, "missing", { paths: [B, A, B] });
    expect(response.status).toBe(200);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await response.json()).toEqual({ missing: [B], rest: [] });
  });

  it("takes 32,768 hashes, and answers for them with six requests to a small bucket", async () => {
    const gateway = await startGateway();
    const paths = Array.from({ length: MAX_MISSING_HASHES }, (_, at) =>
      String(at).padStart(32, "0"),
    );
    const response = await post(gateway, "missing", { paths });
    const { missing, rest }: { missing: string[]; rest: string[] } = await response.json();
    expect([missing.length, rest]).toEqual([MAX_MISSING_HASHES, []]);
    expect(await gateway.bucket.countRequests()).toBe(6);
  });

  it.each<{ what: string; body: unknown; code: string; says: string }>([
    { what: "no JSON", body: "{", code: "upload-malformed", says: "not JSON" },
    { what: "a list", body: [A], code: "upload-malformed", says: "not a JSON object" },
    { what: "no paths", body: {}, code: "upload-malformed", says: "paths is missing" },
    {
      what: "a hash that is none",
      body: { paths: [A, "../etc"] },
      code: "upload-malformed",
      says: "paths.1 is not 32 digits",
    },
    {
      what: "too many hashes",
      body: { paths: Array.from({ length: MAX_MISSING_HASHES + 1 }, () => A) },
      code: "upload-malformed",
      says: "more than 32768",
    },
    { what: "too much", body: " ".repeat(2 ** 21), code: "body-too-large", says: "larger" },
  ])("refuses $what, and asks the bucket nothing", async ({ body, code, says }) => {
    const gateway = await startGateway();
    const error = await errorOf(await post(gateway, "missing", body));
    expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it("refuses what is not UTF-8", async () => {
    const { request } = await startGateway();
    const body = new Uint8Array([0x7b, 0xff, 0x7d]);
    const headers = { authorization: "Bearer push-token-of-the-tests", "content-length": "3" };
    const response = await request("/api/v1/missing", { method: "POST", body, headers });
    expect((await errorOf(response)).code).toBe("body-not-text");
  });

  it.each([
    { what: "no token", token: "", status: 401 },
    { what: "a token that may only read", token: READ_TOKEN, status: 403 },
  ])("refuses $what", async ({ token, status }) => {
    const gateway = await startGateway();
    expect((await post(gateway, "missing", { paths: [A] }, token)).status).toBe(status);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([
    { what: "half a listing", effect: { cutAfterBytes: 150 } },
    { what: "an error", effect: { status: 403, code: "AccessDenied" } },
    { what: "the page of a proxy", effect: { status: 404, html: true } },
  ])("takes $what for no absence (law 5)", async ({ effect }) => {
    const gateway = await startGateway();
    await gateway.bucket.addFaults({ match: { operation: "ListObjectsV2" }, effect });
    const paths = Array.from({ length: 50 }, (_, at) => String(at).padStart(32, "0"));
    const response = await post(gateway, "missing", { paths });
    expect(response.status).toBeGreaterThanOrEqual(500);
    expect(await response.json()).toHaveProperty("error");
  });
});
