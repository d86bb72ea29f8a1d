import { describe, expect, it } from "vitest";
import { lineOf, publish } from "../../../../testkit/workerd/batches.ts";
import { PREFIX, startGateway, type TestGateway } from "../../../../testkit/workerd/gateway.ts";
import { makeNar, makePackedPath, type PackedPath } from "../../../../testkit/packed-path.ts";
import { HASH, OTHER_HASH } from "../../../../testkit/workerd/prepared.ts";
import { SECRET_KEY_ONE } from "../../../nix/data/keys.ts";

const SETTINGS = { PROVE: "contents", SIGNING_KEY: SECRET_KEY_ONE };
const OLD_NIX = { "user-agent": "curl/7.88.1 Nix/2.8.0" };

const NAR = makeNar(30_000);
const SMALL = await makePackedPath(HASH, NAR);
const LARGE = await makePackedPath(HASH, makeNar(2_000_000));
const FALSE_SIZE = await makePackedPath(HASH, NAR, { narSize: 29_000 });
const OTHER = await makePackedPath(OTHER_HASH, makeNar(1000, 3));

async function putNar({ bucket }: TestGateway, { narPath, file }: PackedPath): Promise<void> {
  await bucket.putObject(PREFIX + narPath.slice(1), file);
}

const getsOf = async ({ bucket }: TestGateway, { narPath }: PackedPath) =>
  (await bucket.requests()).filter(
    ({ operation, key }) => operation === "GetObject" && key?.endsWith(narPath) === true,
  ).length;

describe("PROVE=contents", () => {
  it("unpacks a small NAR while it is stored, so that its narinfo needs no GET of it", async () => {
    const gateway = await startGateway(SETTINGS);
    expect((await gateway.push(SMALL.narPath, SMALL.file)).status).toBe(200);
    expect((await gateway.push(SMALL.narinfoPath, SMALL.narinfo)).status).toBe(200);
    expect(await getsOf(gateway, SMALL)).toBe(0);
    const text = await (await gateway.request(SMALL.narinfoPath)).text();
    expect(text).toContain("\nSig: nargate-test-1:");
  });

  it("reads a large NAR back, once", async () => {
    const gateway = await startGateway(SETTINGS);
    expect((await gateway.push(LARGE.narPath, LARGE.file)).status).toBe(200);
    expect((await gateway.push(LARGE.narinfoPath, LARGE.narinfo)).status).toBe(200);
    expect(await getsOf(gateway, LARGE)).toBe(1);
  });

  it("refuses a false narinfo with one line, which is final for every client", async () => {
    const gateway = await startGateway(SETTINGS);
    await putNar(gateway, FALSE_SIZE);
    const response = await gateway.push(FALSE_SIZE.narinfoPath, FALSE_SIZE.narinfo, OLD_NIX);
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).toMatch(/^The NAR does not hold what its narinfo says\. .*NarSize.*\n$/);
    expect(text.length).toBeLessThan(1024);
    expect((await gateway.request(FALSE_SIZE.narinfoPath)).status).toBe(404);
  });

  it("answers for each narinfo of a batch", async () => {
    const gateway = await startGateway(SETTINGS);
    await putNar(gateway, FALSE_SIZE);
    await putNar(gateway, OTHER);
    const lines = await publish(gateway, [FALSE_SIZE, OTHER].map(lineOf));
    expect(lines).toEqual([
      {
        path: HASH,
        error: expect.objectContaining({ code: "contents-disproved" }) as unknown,
      },
      { path: OTHER_HASH, outcome: "published" },
      { took: 2 },
    ]);
  });

  it.each([
    { what: "503 for a client that can rewind", headers: {}, status: 503 },
    { what: "501 for an old Nix", headers: OLD_NIX, status: 501 },
  ])("answers $what while the bucket cannot give the NAR", async ({ headers, status }) => {
    const gateway = await startGateway(SETTINGS);
    await putNar(gateway, LARGE);
    await gateway.bucket.addFaults({
      match: { operation: "GetObject", keyPattern: "/nar/" },
      effect: { status: 503 },
    });
    const response = await gateway.push(LARGE.narinfoPath, LARGE.narinfo, headers);
    expect(response.status).toBe(status);
    expect((await gateway.request(LARGE.narinfoPath)).status).toBe(404);
    await gateway.bucket.clearFaults();
    expect((await gateway.push(LARGE.narinfoPath, LARGE.narinfo, headers)).status).toBe(200);
  });

  it("replaces a false narinfo that lies in the bucket, also at the edge", async () => {
    const gateway = await startGateway(SETTINGS);
    await putNar(gateway, FALSE_SIZE);
    await gateway.bucket.putObject(PREFIX + FALSE_SIZE.narinfoPath.slice(1), FALSE_SIZE.narinfo);
    const read = async () => await (await gateway.request(SMALL.narinfoPath)).text();
    expect(await read()).toContain("NarSize: 29000\n");
    expect((await gateway.push(SMALL.narPath, SMALL.file)).status).toBe(200);
    expect((await gateway.push(SMALL.narinfoPath, SMALL.narinfo)).status).toBe(200);
    expect(await read()).toContain("NarSize: 30000\n");
    expect(gateway.log.map(({ code }) => code)).toContain("narinfo-replaced");
  });

  it("is off if nothing is said: the narinfo is believed", async () => {
    const gateway = await startGateway({ SIGNING_KEY: SECRET_KEY_ONE });
    await putNar(gateway, FALSE_SIZE);
    expect((await gateway.push(FALSE_SIZE.narinfoPath, FALSE_SIZE.narinfo)).status).toBe(200);
    expect(await getsOf(gateway, FALSE_SIZE)).toBe(0);
  });
});
