import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, PREFIX, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise, hashPart } from "../../testkit/nix/nix-paths.ts";

const MB = 1024 * 1024;
const RESUMED = expect.stringMatching(/^bytes=\d+-$/);

let gateway: LocalGateway;
let pusher: NixMachine;

async function start() {
  gateway = await startLocalGateway();
  pusher = await createPusher(gateway);
}

/** A path that refers to one of noise, both pushed. */
async function pushNoise(name: string, sizeBytes: number, compression = "zstd") {
  const noise = await addNoise(pusher, `${name}-noise`, sizeBytes);
  const top = await addBuilt(pusher, { name, references: [noise] });
  await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=${compression}`, top);
  gateway.bucket.forgetRequests();
  const narinfo = (await gateway.bucket.read(`${hashPart(noise)}.narinfo`))?.toString() ?? "";
  const [, nar = ""] = /^URL: (.*)$/m.exec(narinfo) ?? [];
  return { top, noise, nar };
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
    const { top, nar } = await pushNoise("cut", 8 * MB);
    gateway.faults.add({
      match: { operation: "GetObject", key: PREFIX + nar },
      effect: { cutAfterBytes: 3 * MB },
      count: 2,
    });
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", top);
    await expectWhole(puller, top);
    const ranges = gateway.bucket.requests({ key: PREFIX + nar }).map(({ range }) => range);
    expect(ranges).toEqual([undefined, RESUMED, RESUMED]);

    // The edge may take a second to drop what it got of the half.
    await sleep(1500);
    const second = await createPuller(gateway);
    await second.run("nix-store", "--realise", top);
    await expectWhole(second, top);
    gateway.bucket.forgetRequests();
    const third = await createPuller(gateway);
    await third.run("nix-store", "--realise", top);
    await expectWhole(third, top);
    expect(gateway.bucket.requests()).toEqual([]);
  });

  it("two 503s for a narinfo are retried inside, unseen by the client", async () => {
    const { top } = await pushNoise("wobbly", 1000);
    gateway.faults.add({
      match: { operation: "GetObject", keyPattern: `${hashPart(top)}\\.narinfo$` },
      effect: { status: 503 },
      count: 2,
    });
    const puller = await createPuller(gateway);
    const pulled = await puller.attempt("nix-store", "--realise", top);
    expect(pulled.code).toBe(0);
    expect(pulled.stderr).not.toMatch(/HTTP error|retrying/);
    await expectWhole(puller, top);
  });

  it("a bucket that is down fails the pull, and is not remembered as an absence", async () => {
    const { top } = await pushNoise("down", 1000);
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
    const { top, noise, nar } = await pushNoise("tampered", 100_000, "none");
    const bytes = (await gateway.bucket.read(nar)) ?? Buffer.alloc(0);
    bytes.writeUInt8(bytes.readUInt8(50_000) ^ 1, 50_000);
    await gateway.bucket.write(nar, bytes, "application/x-nix-nar");
    const puller = await createPuller(gateway);
    const refused = await puller.attempt("nix-store", "--realise", top);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain(`hash mismatch importing path '${noise}'`);
    for (const storePath of [noise, top]) {
      await expect(closureOf(puller, storePath)).rejects.toThrow("is not valid");
    }
    await verifyStore(puller);
  });
});

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
    expect(failed.stderr).toContain("The upload failed. You can start it again by hand:");
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
    expect(pushed.stderr).not.toMatch(/HTTP error|retrying/);
  });
});
