import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FaultEffect, FaultMatch, FaultRule } from "../../tools/b2-server/fault-injector.ts";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise, addTexts } from "../../testkit/nix/nix-paths.ts";

/** A fault that strikes every tenth of the matching requests. */
function oneInTen(match: FaultMatch, effect: FaultEffect): readonly FaultRule[] {
  // A struck request is not seen by the rules after it, so each waits for nine more.
  return Array.from({ length: 300 }, (_, index) => ({
    match,
    effect,
    skip: 9 * (index + 1),
    count: 1,
  }));
}

describe.skipIf(!hasNix)("a bucket that fails one request in ten and cuts one NAR in ten", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
    gateway.faults.add(
      ...oneInTen({ operation: "GetObject", keyPattern: "/nar/" }, { cutAfterBytes: 70 }),
      ...oneInTen({}, { status: 503, code: "SlowDown" }),
    );
  });
  afterAll(() => gateway.stop());

  it("loses no path of 200 that are pushed and pulled, and publishes nothing wrong", async () => {
    const texts = await addTexts(pusher, "flaky", 198);
    const noise = await addNoise(pusher, "flaky-noise", 12_000_000);
    const top = await addBuilt(pusher, { name: "flaky-top", references: [texts, noise] });
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=none`, top);

    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", top);
    const closure = await closureOf(pusher, top);
    expect(closure.length).toBeGreaterThanOrEqual(200);
    expect(await closureOf(puller, top)).toEqual(closure);
    await verifyStore(puller);

    // Another machine gets from the edge what the cuts left there.
    const second = await createPuller(gateway);
    await second.run("nix-store", "--realise", top);
    await verifyStore(second);
  });
});
