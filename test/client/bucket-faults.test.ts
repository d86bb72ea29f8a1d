import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { closureOf, createPuller, createPusher, verifyStore } from "../setup/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../setup/local-gateway.ts";
import { hasNix, type NixMachine } from "../setup/nix-client.ts";
import { addBuilt, addNoise, hashPart } from "../setup/nix-paths.ts";

const MB = 1024 * 1024;

let gateway: LocalGateway;
let pusher: NixMachine;

async function start() {
  gateway = await startLocalGateway();
  pusher = await createPusher(gateway);
}

async function pushNoise(name: string, sizeBytes: number): Promise<string> {
  const noise = await addNoise(pusher, `${name}-noise`, sizeBytes);
  const top = await addBuilt(pusher, { name, references: [noise] });
  await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, top);
  gateway.bucket.forgetRequests();
  return top;
}

async function expectWhole(puller: NixMachine, storePath: string) {
  await verifyStore(puller);
  expect(await closureOf(puller, storePath)).toEqual(await closureOf(pusher, storePath));
}

describe.skipIf(!hasNix)("pulling while the bucket fails", () => {
  beforeAll(start);
  afterEach(() => gateway.faults.clear());
  afterAll(() => gateway.stop());

  it("a NAR that is cut half-way is resumed, and the edge keeps none of the half", async () => {
    const top = await pushNoise("cut", 8 * MB);
    gateway.faults.add({
      match: { operation: "GetObject", keyPattern: "/nar/.*\\.zst$" },
      // Past the small NAR of `top`.
      effect: { cutAfterBytes: 3 * MB },
      count: 2,
    });
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", top);
    await expectWhole(puller, top);
    const resumed = gateway.bucket
      .requests({ operation: "GetObject" })
      .filter((request) => request.range !== undefined);
    expect(resumed.length).toBeGreaterThan(0);

    gateway.faults.clear();
    for (const who of ["second", "third"]) {
      const other = await createPuller(gateway);
      await other.run("nix-store", "--realise", top);
      await expectWhole(other, top);
      if (who === "third") expect(gateway.bucket.requests()).toEqual([]);
      gateway.bucket.forgetRequests();
    }
  });

  it("two 503s for a narinfo are retried inside, unseen by the client", async () => {
    const top = await pushNoise("wobbly", 1000);
    gateway.faults.add({
      match: { operation: "GetObject", keyPattern: `${hashPart(top)}\\.narinfo$` },
      effect: { status: 503 },
      count: 2,
    });
    const puller = await createPuller(gateway);
    const pulled = await puller.attempt("nix-store", "--realise", top);
    expect(pulled.code).toBe(0);
    expect(pulled.stderr).not.toMatch(/50\d|retrying/);
    await expectWhole(puller, top);
  });

  it("a bucket that is down fails the pull, and is not remembered as an absence", async () => {
    const top = await pushNoise("down", 1000);
    gateway.faults.add({ effect: { status: 503 } });
    const puller = await createPuller(gateway);
    const failed = await puller.attempt("nix-store", "--realise", top);
    expect(failed.code).not.toBe(0);
    expect(failed.stderr).toContain("The bucket behind this cache is not available right now.");

    gateway.faults.clear();
    await puller.run("nix-store", "--realise", top);
    await expectWhole(puller, top);
  });

  it("a NAR with other bytes behind the gateway's back is refused by the client", async () => {
    const top = await pushNoise("tampered", 1000);
    const narinfo = (await gateway.bucket.read(`${hashPart(top)}.narinfo`))?.toString() ?? "";
    const [, nar = ""] = /^URL: (.*)$/m.exec(narinfo) ?? [];
    const puller = await createPuller(gateway);
    const bytes = (await gateway.bucket.read(nar)) ?? Buffer.alloc(0);
    await gateway.bucket.write(nar, tamper(bytes), "application/x-nix-nar");
    const refused = await puller.attempt("nix-store", "--realise", top);
    expect(refused.code).not.toBe(0);
    await expect(closureOf(puller, top)).rejects.toThrow("is not valid");
    await verifyStore(puller);
  });
});

/** Flips the last bit of the first half, which zstd's frame of a small file holds as it is. */
function tamper(bytes: Buffer): Buffer {
  const tampered = Buffer.from(bytes);
  const middle = Math.floor(bytes.byteLength / 2);
  tampered.writeUInt8(tampered.readUInt8(middle) ^ 1, middle);
  return tampered;
}

describe.skipIf(!hasNix)("pushing while the bucket fails", () => {
  beforeAll(start);
  afterEach(() => gateway.faults.clear());
  afterAll(() => gateway.stop());

  it.each([
    { what: "answers 503 to every write", sizeBytes: 1000, effect: { status: 503 } },
    { what: "answers 503 to every part", sizeBytes: 9 * MB, effect: { status: 503 } },
    {
      what: "drops every connection that writes",
      sizeBytes: 1000,
      effect: { dropConnection: "before" as const },
    },
  ])("ends at once, and says so, when the bucket $what", async ({ what, sizeBytes, effect }) => {
    const noise = await addNoise(pusher, `unwritable-${what.replaceAll(" ", "-")}`, sizeBytes);
    gateway.faults.add({ match: { method: "PUT" }, effect });
    const target = `${gateway.url}?compression=zstd`;
    const failed = await pusher.attempt("nix", "copy", "--to", target, noise);
    expect(failed.code).toBe(1);
    expect(failed.stderr).toContain("HTTP error 501");
    expect(failed.stderr).toContain("The upload failed and may be tried again by hand:");
    expect(failed.milliseconds).toBeLessThan(90_000);

    gateway.faults.clear();
    await pusher.run("nix", "copy", "--to", target, noise);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", noise);
    await expectWhole(puller, noise);
  });

  it("a write that fails twice is retried inside, unseen by the client", async () => {
    const noise = await addNoise(pusher, "wobbly-write", 9 * MB);
    gateway.faults.add({ match: { method: "PUT" }, effect: { status: 503 }, count: 2 });
    const target = `${gateway.url}?compression=zstd`;
    const pushed = await pusher.attempt("nix", "copy", "--to", target, noise);
    expect(pushed.code).toBe(0);
    expect(pushed.stderr).not.toMatch(/50\d|retrying/);
  });
});
