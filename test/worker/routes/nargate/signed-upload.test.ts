import { describe, expect, it } from "vitest";
import type { FaultRule } from "../../../../tools/b2-server/fault-injector.ts";
import { errorOf, linesOf, openUploads, post, uploadOf } from "../../../../testkit/workerd/api.ts";
import { type LargeNar, makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import {
  OTHER_TOKEN,
  PREFIX,
  startGateway,
  startGatewayOfTwo,
  type TestGateway,
} from "../../../../testkit/workerd/gateway.ts";
import { sha256Hex } from "../../../../testkit/sha256-hex.ts";

interface SignedStart {
  readonly status: string;
  readonly handle: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

const KEPT = `${PREFIX}.nargate/payload-check.json`;

/** The bucket stores every body, as a server does that ignores the hash. */
const IGNORES_HASH: FaultRule = { effect: { ignoreSha256: true } };

async function startSigned(
  gateway: TestGateway,
  nar: LargeNar,
  token?: string,
): Promise<SignedStart> {
  const response = await post(gateway, "uploads/signed", uploadOf(nar), token);
  if (response.status !== 200) throw new Error(`start: ${await response.text()}`);
  return await response.json();
}

/** Sends the bytes as the client does. Returns the status and S3's code. */
async function put(
  { url, headers }: SignedStart,
  bytes: Uint8Array<ArrayBuffer>,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { "content-length": _, ...rest } = headers;
  const init = { method: "PUT", headers: { ...rest, ...more }, body: bytes };
  const response = await fetch(url, init);
  const code = /<Code>(\w+)</.exec(await response.text())?.[1];
  return code === undefined ? String(response.status) : `${response.status} ${code}`;
}

async function complete(gateway: TestGateway, { handle }: SignedStart) {
  return await linesOf(await post(gateway, "uploads/complete", { handle }));
}

const proofOf = async (gateway: TestGateway) =>
  await (await post(gateway, "uploads/proof", {})).json();

/** The names that readers may find, and what waits for its proof. */
async function keysOf({ bucket }: TestGateway): Promise<readonly string[]> {
  return (await bucket.listKeys()).filter((key) => key !== KEPT);
}

describe("POST /api/v1/uploads/proof", () => {
  it("probes the bucket once, keeps the result, and leaves nothing else", async () => {
    const gateway = await startGateway();
    expect(await proofOf(gateway)).toEqual({ provedBy: "bucket" });
    expect(await gateway.bucket.listKeys()).toEqual([KEPT]);
    const requests = await gateway.bucket.countRequests();
    // The free plan allows 50, with those of the request itself.
    expect(requests).toBeLessThan(45);
    expect(await proofOf(gateway)).toEqual({ provedBy: "bucket" });
    expect(await gateway.bucket.countRequests()).toBe(requests);
  });

  it("says why it does not believe a bucket", async () => {
    const gateway = await startGateway();
    await gateway.bucket.addFaults(IGNORES_HASH);
    expect(await proofOf(gateway)).toEqual({
      provedBy: "gateway",
      because:
        "accepts 1 wrong bytes (x-amz-content-sha256), accepts 1 wrong bytes (x-amz-checksum-sha256)",
    });
    expect(await gateway.bucket.listKeys()).toEqual([KEPT]);
  });

  it("needs a token that may push", async () => {
    const gateway = await startGateway();
    expect((await post(gateway, "uploads/proof", {}, "wrong")).status).toBe(401);
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it("keeps nothing about a bucket that fails", async () => {
    const gateway = await startGateway();
    await gateway.bucket.addFaults({
      match: { operation: "PutObject" },
      effect: { status: 503, code: "SlowDown" },
    });
    expect(await proofOf(gateway)).toMatchObject({ provedBy: "gateway" });
    expect(await gateway.bucket.listKeys()).toEqual([]);
  });
});

describe("POST /api/v1/uploads/signed", () => {
  it("stores a NAR whose bytes never pass the gateway and are not read back", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await startSigned(gateway, nar);
    expect(started.status).toBe("open");
    expect(new URL(started.url).pathname).toContain("/.incoming/");
    await gateway.bucket.clearRequests();
    expect(await put(started, nar.bytes)).toBe("200");
    expect(await complete(gateway, started)).toEqual([
      { status: "checking", bytes: 0, size: nar.bytes.byteLength },
      { status: "copying" },
      { status: "stored" },
    ]);
    const requests = (await gateway.bucket.requests()).map(({ operation }) => operation);
    expect(requests).toEqual(["PutObject", "HeadObject", "CopyObject", "DeleteObject"]);
    expect(await keysOf(gateway)).toEqual([PREFIX + nar.key.path]);
    const read = await gateway.request(`/${nar.key.path}`);
    expect(await sha256Hex(new Uint8Array(await read.arrayBuffer()))).toBe(nar.sha256);
  });

  it("covers the bytes, their number and their type, and never the final name", async () => {
    const gateway = await startGateway();
    const { url, headers } = await startSigned(gateway, await makeLargeNar());
    expect(url).not.toContain("?");
    expect(headers["authorization"]).toContain(
      "SignedHeaders=content-length;content-type;host;x-amz-content-sha256;x-amz-date,",
    );
    expect(url).not.toContain("/nar/");
  });

  it("lets the bucket refuse other bytes, and stores nothing", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await startSigned(gateway, nar);
    const others = nar.bytes.slice();
    others[5] = 1 ^ (others[5] ?? 0);
    expect(await put(started, others)).toBe("400 XAmzContentSHA256Mismatch");
    const lines = await complete(gateway, started);
    expect(lines.at(-1)).toMatchObject({ error: { code: "upload-gone" } });
    expect(await keysOf(gateway)).toEqual([]);
  });

  it.each([
    ["content-encoding", "gzip"],
    ["cache-control", "max-age=1"],
    ["content-disposition", "attachment"],
  ])("publishes nothing of a foreign %s", async (name, value) => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await startSigned(gateway, nar);
    expect(await put(started, nar.bytes, { [name]: value })).toBe("200");
    await complete(gateway, started);
    const stored = await gateway.bucket.getObject(PREFIX + nar.key.path);
    expect(stored?.headers).toEqual({ "content-type": "application/x-nix-nar" });
  });

  it("publishes nothing of a PUT that is repeated after the completion", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await startSigned(gateway, nar);
    await put(started, nar.bytes);
    await complete(gateway, started);
    const before = await gateway.bucket.getObject(PREFIX + nar.key.path);
    expect(await put(started, nar.bytes, { "content-encoding": "gzip" })).toBe("200");
    expect(await gateway.bucket.getObject(PREFIX + nar.key.path)).toEqual(before);
    const read = await gateway.request(`/${nar.key.path}`);
    expect(await sha256Hex(new Uint8Array(await read.arrayBuffer()))).toBe(nar.sha256);
  });

  it("reads back what was sent to a bucket that is no longer believed", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await startSigned(gateway, nar);
    await put(started, nar.bytes);
    const later = await startGateway({ B2_BUCKET: gateway.bucket.name });
    const kept = { bucketId: "of another bucket", at: new Date(), check: {}, isFinal: true };
    await gateway.bucket.putObject(KEPT, JSON.stringify(kept));
    await gateway.bucket.addFaults(IGNORES_HASH);
    await gateway.bucket.clearRequests();
    await complete(later, started);
    const requests = await gateway.bucket.requests({ operation: "GetObject" });
    expect(requests.filter(({ key }) => key.includes(".incoming/"))).toHaveLength(1);
    expect(await keysOf(gateway)).toEqual([PREFIX + nar.key.path]);
  });

  it("refuses a bucket that proves nothing, before it signs anything", async () => {
    const gateway = await startGateway();
    await gateway.bucket.addFaults(IGNORES_HASH);
    const response = await post(gateway, "uploads/signed", uploadOf(await makeLargeNar()));
    expect(response.status).toBe(409);
    expect(await errorOf(response)).toMatchObject({ code: "payload-unchecked" });
  });

  it("sends nothing again that is stored, or that waits for its completion", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    await put(await startSigned(gateway, nar), nar.bytes);
    const again = await startSigned(gateway, nar);
    expect(again).toEqual({
      status: "sent",
      handle: expect.any(String),
      handleExpires: expect.any(String),
    });
    await gateway.bucket.clearRequests();
    expect((await complete(gateway, again)).at(-1)).toEqual({ status: "stored" });
    // The free plan has no CPU to read it back.
    const reads = await gateway.bucket.requests({ operation: "GetObject" });
    expect(reads.filter(({ key }) => key.includes(".incoming/"))).toEqual([]);
    expect(await keysOf(gateway)).toEqual([PREFIX + nar.key.path]);
    expect(await openUploads(gateway)).toEqual([]);
    expect(await startSigned(gateway, nar)).toEqual({ status: "stored" });
  });

  it("gives a handle to its token alone", async () => {
    const gateway = await startGatewayOfTwo();
    const started = await startSigned(gateway, await makeLargeNar());
    const response = await post(
      gateway,
      "uploads/complete",
      { handle: started.handle },
      OTHER_TOKEN,
    );
    expect((await errorOf(response)).code).toBe("handle-of-another");
  });

  it.each([
    { what: "more than one PUT may have", change: { size: 5e9 + 1 }, status: 413 },
    { what: "no size", change: { size: 0 }, status: 400 },
    { what: "a hash of another kind", change: { fileHash: "0".repeat(51) }, status: 400 },
  ])("refuses $what", async ({ change, status }) => {
    const gateway = await startGateway();
    const body = { ...uploadOf(await makeLargeNar()), ...change };
    expect((await post(gateway, "uploads/signed", body)).status).toBe(status);
  });
});
