import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts } from "../../testkit/nix/nix-paths.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { shorterTimes } from "../../testkit/node/shorter-times.ts";

/** A root, a list, and 58 texts. */
const PATHS_OF_A_CLOSURE = 60;

async function until(isTrue: () => Promise<boolean>, what: string): Promise<void> {
  const end = Date.now() + 100_000;
  while (!(await isTrue())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

describe.skipIf(!hasNix)("a collection beside the real client", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;
  const roots: string[] = [];
  const lists: string[] = [];

  beforeAll(async () => {
    const settings = { CATALOG: "on", COLLECT: "on", KEEP_DAYS: "20", KEEP_SINCE: "push" };
    gateway = await startLocalGateway(settings, [shorterTimes]);
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
    for (let at = 0; at < 5; at++) {
      lists.push(await addTexts(pusher, `texts-${at}`, PATHS_OF_A_CLOSURE - 2));
      roots.push(await addBuilt(pusher, { name: `root-${at}`, references: [lists[at] as string] }));
    }
    // The first call makes the catalog, which takes no pushes before late deletions are over.
    await nargate.attempt("stats");
    await new Promise((resolve) => setTimeout(resolve, 3000));
  });
  afterAll(() => gateway.stop());

  async function narinfosOf(path: string): Promise<readonly string[]> {
    const all = await closureOf(pusher, path);
    const found = await Promise.all(
      all.map((one) => gateway.bucket.read(`${one.slice("/nix/store/".length, 43)}.narinfo`)),
    );
    return all.filter((_, index) => found[index] !== undefined);
  }

  it("keeps pinned closures whole, removes the others, and refuses what refers to them", async () => {
    const [first = "", second = "", ...others] = roots;
    await nargate.run("push", "--pin", "v1", first);
    await nargate.run("push", "--pin", "v2", second);
    for (const root of others) await pusher.run("nix", "copy", "--to", gateway.url, root);
    for (const root of roots) expect(await narinfosOf(root)).toHaveLength(PATHS_OF_A_CLOSURE);

    await until(async () => {
      const left = await Promise.all(others.map(narinfosOf));
      return left.every((paths) => paths.length === 0);
    }, "the paths that nothing keeps are removed");

    const puller = await createPuller(gateway);
    for (const root of [first, second]) {
      expect(await narinfosOf(root)).toHaveLength(PATHS_OF_A_CLOSURE);
      await puller.run("nix-store", "--realise", root);
      expect(await closureOf(puller, root)).toEqual(await closureOf(pusher, root));
    }
    await verifyStore(puller);

    // Its client remembers that the cache has the list, so it sends the new root alone.
    const newer = await addBuilt(pusher, { name: "newer", references: [lists[2] as string] });
    const refused = await pusher.attempt("nix", "copy", "--to", gateway.url, newer);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("was removed from this cache. Push again with --refresh");
    await pusher.run("nix", "copy", "--refresh", "--to", gateway.url, newer);
    expect(await narinfosOf(newer)).toHaveLength(PATHS_OF_A_CLOSURE);
    const late = await createPuller(gateway);
    await late.run("nix-store", "--realise", newer);
    expect(await closureOf(late, newer)).toEqual(await closureOf(pusher, newer));
  }, 200_000);
});
