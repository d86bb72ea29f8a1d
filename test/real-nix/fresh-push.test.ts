import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";

describe.skipIf(!hasNix)("what was pushed just now", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;

  // Nothing has been asked of this gateway: its edge holds no answer at all.
  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
  });
  afterAll(() => gateway.stop());

  async function addClosure(name: string): Promise<string> {
    const texts = await addTexts(pusher, `${name}-texts`, 20);
    const noise = await addNoise(pusher, `${name}-noise`, 500_000);
    return await addBuilt(pusher, { name, references: [texts, noise] });
  }

  async function expectWhole(puller: NixMachine, storePath: string) {
    await verifyStore(puller);
    expect(await closureOf(puller, storePath)).toEqual(await closureOf(pusher, storePath));
  }

  it("is there at once for anyone: the pusher's probing leaves no absence behind", async () => {
    const top = await addClosure("fresh");
    const puller = await createPuller(gateway);
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, top);
    await puller.run("nix-store", "--realise", top);
    await expectWhole(puller, top);
    const nars = gateway.bucket.keys().filter((key) => key.startsWith("nar/"));
    expect(nars).toHaveLength(23);
  });

  it("is there a second later for someone else, though it was asked for just before", async () => {
    const top = await addClosure("awaited");
    const early = await createPuller(gateway);
    const missed = await early.attempt("nix-store", "--realise", top);
    expect(missed.code).not.toBe(0);
    expect((await fetch(`${gateway.url}/${hashPart(top)}.narinfo`)).status).toBe(404);

    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, top);
    await sleep(1000);
    const late = await createPuller(gateway);
    await late.run("nix-store", "--realise", top);
    await expectWhole(late, top);

    // The early one remembers the absence itself, for an hour, unless told to forget.
    await early.forgetCaches();
    await early.run("nix-store", "--realise", top);
    await expectWhole(early, top);
  });

  it("is complete when two machines pushed the same closure at once", async () => {
    const [first, second] = [await createPusher(gateway), await createPusher(gateway)];
    const texts = await addTexts(first, "at-once", 30);
    expect(await addTexts(second, "at-once", 30)).toBe(texts);
    const copies = [
      first.attempt("nix", "copy", "--to", `${gateway.url}?compression=zstd`, texts),
      second.attempt("nix", "copy", "--to", `${gateway.url}?compression=xz`, texts),
    ];
    for (const { code } of await Promise.all(copies)) expect(code).toBe(0);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", texts);
    await verifyStore(puller);
  });

  it("is complete for the pusher who failed half-way and starts again", async () => {
    const top = await addClosure("halted");
    gateway.faults.add({
      match: { method: "PUT", keyPattern: "\\.narinfo$" },
      effect: { status: 403 },
      skip: 10,
      count: 1,
    });
    const target = `${gateway.url}?compression=zstd`;
    const halted = await pusher.attempt("nix", "copy", "--to", target, top);
    expect(halted.code).not.toBe(0);
    gateway.faults.clear();
    await pusher.run("nix", "copy", "--to", target, top);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", top);
    await expectWhole(puller, top);
  });

  it("leaves no unfinished upload when the pusher is killed, and can be pushed again", async () => {
    // More than the gateway's two buffers and the sockets between them hold.
    const noise = await addNoise(pusher, "killed-noise", 40_000_000);
    gateway.bucket.forgetRequests();
    gateway.faults.add({ match: { operation: "UploadPart" }, effect: { delayMs: 300 } });
    const target = `${gateway.url}?compression=none`;
    const doomed = pusher.start("nix", "copy", "--to", target, noise);
    const requestsOf = (operation: string) => gateway.bucket.requests({ operation });
    await vi.waitUntil(() => requestsOf("UploadPart").length > 0, 10_000);
    doomed.kill();
    await doomed.ended;
    await vi.waitUntil(() => requestsOf("AbortMultipartUpload")[0]?.status === 204, 10_000);
    expect(requestsOf("CompleteMultipartUpload")).toEqual([]);

    gateway.faults.clear();
    await pusher.run("nix", "copy", "--to", target, noise);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", noise);
    await expectWhole(puller, noise);
  });
});
