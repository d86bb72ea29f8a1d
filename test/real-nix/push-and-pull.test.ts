import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import {
  addBuilt,
  addDirectory,
  addManyBuilt,
  addNoise,
  addTexts,
} from "../../testkit/nix/nix-paths.ts";

const MB = 1024 * 1024;

describe.skipIf(!hasNix)("nix copy to the gateway and nix-store --realise from it", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
  });
  afterAll(() => gateway.stop());

  /** Some of it content-addressed, some only as good as its signature. */
  async function addClosure(name: string, noises: readonly string[]): Promise<string> {
    const texts = await addTexts(pusher, `${name}-texts`, 38);
    const tree = await addDirectory(pusher, `${name}-tree`, {
      "bin/program": "#!/bin/sh\necho hello\n",
      "share/an empty file": "",
    });
    const library = await addBuilt(pusher, { name: `${name}-library`, references: [texts] });
    return await addBuilt(pusher, { name, references: [library, texts, tree, ...noises] });
  }

  async function push(storePath: string, parameters = "") {
    await pusher.run("nix", "copy", "--to", `${gateway.url}${parameters}`, storePath);
  }

  async function pullIntoEmptyStore(storePath: string): Promise<NixMachine> {
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", storePath);
    await verifyStore(puller);
    expect(await closureOf(puller, storePath)).toEqual(await closureOf(pusher, storePath));
    return puller;
  }

  it("carries a closure with xz, which Nix compresses with by default", async () => {
    const top = await addClosure("xz", []);
    await push(top);
    expect(await gateway.bucket.keys()).toContainEqual(expect.stringMatching(/^nar\/.*\.nar\.xz$/));
    await pullIntoEmptyStore(top);
  });

  it.each([
    { compression: "zstd", nar: /^nar\/.*\.nar\.zst$/ },
    { compression: "none", nar: /^nar\/.*\.nar$/ },
  ])("carries NARs of 3 and 20 MB with compression=$compression", async ({ compression, nar }) => {
    const small = await addNoise(pusher, `${compression}-3-mb`, 3 * MB);
    const large = await addNoise(pusher, `${compression}-20-mb`, 20 * MB);
    const top = await addClosure(compression, [small, large]);
    gateway.bucket.forgetRequests();
    await push(top, `?compression=${compression}`);
    expect(gateway.bucket.keys()).toContainEqual(expect.stringMatching(nar));
    // The larger one goes up in parts of 8 MiB.
    expect(gateway.bucket.requests({ operation: "UploadPart", status: 200 })).toHaveLength(3);
    await pullIntoEmptyStore(top);
  });

  it("asks nothing of the bucket for the second pull of a closure", async () => {
    const noise = await addNoise(pusher, "twice-3-mb", 3 * MB);
    const top = await addClosure("twice", [noise]);
    await push(top, "?compression=zstd");
    await pullIntoEmptyStore(top);
    gateway.bucket.forgetRequests();
    await pullIntoEmptyStore(top);
    expect(gateway.bucket.requests()).toEqual([]);
  });

  it("changes nothing when the same closure is pushed by someone who has forgotten that", async () => {
    const top = await addClosure("again", []);
    await push(top, "?compression=zstd");
    const before = gateway.bucket.versions();
    gateway.bucket.forgetRequests();
    await pusher.forgetCaches();
    await push(top, "?compression=zstd");
    expect(gateway.bucket.versions()).toEqual(before);
    expect(gateway.bucket.requests({ method: "PUT" })).toEqual([]);
    expect(gateway.bucket.requests({ method: "POST" })).toEqual([]);
  });

  it("carries a closure of 200 paths that all want a signature", async () => {
    const leaves = await addManyBuilt(
      pusher,
      Array.from({ length: 199 }, (_, index) => ({ name: `leaf-${index}` })),
    );
    const top = await addBuilt(pusher, { name: "root-of-200", references: leaves });
    await push(top, "?compression=zstd");
    const puller = await pullIntoEmptyStore(top);
    expect(await closureOf(puller, top)).toHaveLength(200);
    gateway.bucket.forgetRequests();
    await pullIntoEmptyStore(top);
    expect(gateway.bucket.requests()).toEqual([]);
  });
});
