import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts } from "../../testkit/nix/nix-paths.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";

const COUNT = 61;

const isNarinfo = (key: string) => key.endsWith(".narinfo");

describe.skipIf(!hasNix)("nargate push in batches", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(() => gateway.stop());

  const writtenKeys = () =>
    gateway.bucket.requests({ method: "PUT", status: 200 }).map(({ key }) => key);
  const narinfos = () => gateway.bucket.keys().filter(isNarinfo);

  it("publishes only what is missing after a kill -9, and a second machine pulls all", async () => {
    const root = await addTexts(pusher, "killed", COUNT - 1);
    gateway.faults.add({
      match: { operation: "PutObject", keyPattern: "\\.narinfo$" },
      effect: { delayMs: 300 },
    });
    const doomed = nargate.start("push", root);
    await vi.waitUntil(() => narinfos().length >= 5, 60_000);
    doomed.kill();
    await doomed.ended;
    gateway.faults.clear();
    // The gateway finishes the batch that it has begun.
    let before = -1;
    await vi.waitUntil(
      () => {
        const isQuiet = before === gateway.bucket.requests().length;
        before = gateway.bucket.requests().length;
        return isQuiet;
      },
      { timeout: 20_000, interval: 1_000 },
    );
    const published = narinfos();
    expect(published.length).toBeLessThan(COUNT);

    gateway.bucket.forgetRequests();
    const { stdout } = await nargate.run("push", "--json", root);
    expect(JSON.parse(stdout)).toMatchObject({ failed: [], untried: [], stopped: null });
    expect(JSON.parse(stdout).pushed).toHaveLength(COUNT - published.length);
    const written = writtenKeys().filter(isNarinfo);
    expect(written).toHaveLength(COUNT - published.length);
    expect(published.filter((key) => written.some((name) => name.endsWith(key)))).toEqual([]);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", root);
    await verifyStore(puller);

    gateway.bucket.forgetRequests();
    const again = JSON.parse((await nargate.run("push", "--json", root)).stdout);
    expect(again.skipped).toHaveLength(COUNT);
    expect(writtenKeys()).toEqual([]);
    expect(gateway.bucket.requests().length).toBeLessThan(10);
  });

  it("publishes a chain of references in order, and blocks what needs a path that fails", async () => {
    const bottom = await addBuilt(pusher, { name: "bottom" });
    const middle = await addBuilt(pusher, { name: "middle", references: [bottom] });
    const top = await addBuilt(pusher, { name: "top", references: [middle] });
    const beside = await addBuilt(pusher, { name: "beside" });
    const hash = /([0-9a-z]{32})-middle/.exec(middle)?.[1] ?? "";
    gateway.faults.add({
      match: { method: "PUT", keyPattern: `${hash}\\.narinfo$` },
      effect: { status: 403, code: "AccessDenied" },
    });
    const { code, stdout } = await nargate.attempt("push", "--json", top, beside);
    gateway.faults.clear();
    expect(code).toBe(1);
    const { pushed, failed } = JSON.parse(stdout) as Record<string, { path: string }[]>;
    expect(pushed?.map(({ path }) => path).toSorted()).toEqual([bottom, beside].toSorted());
    expect(failed?.map(({ path }) => path).toSorted()).toEqual([middle, top].toSorted());
    await nargate.run("push", top);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", top);
  });
});
