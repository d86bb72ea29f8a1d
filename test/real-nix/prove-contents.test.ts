import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseNarinfo } from "../../src/nix/narinfo.ts";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";

const MB = 1024 * 1024;

const field = (name: string) => new RegExp(`^${name}: .*$`, "m");

describe.skipIf(!hasNix)("a gateway with PROVE=contents", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway({ PROVE: "contents" });
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(() => gateway.stop());

  async function signersOf(storePath: string): Promise<readonly string[]> {
    const text = await gateway.bucket.read(`${hashPart(storePath)}.narinfo`);
    const narinfo = parseNarinfo(text?.toString() ?? "", "/nix/store");
    if (!narinfo.ok) throw new Error(narinfo.error);
    return narinfo.value.signatures.map((signature) => signature.replace(/:.*/, ""));
  }

  const narGets = () =>
    gateway.bucket.requests({ method: "GET" }).filter(({ key }) => key.includes("nar/")).length;

  it.each(["zstd", "br", "gzip", "none"])(
    "signs what nix copy packs with %s, and clients accept it",
    async (compression) => {
      const noise = await addNoise(pusher, `noise-${compression}`, 3 * MB);
      const texts = await addTexts(pusher, `texts-${compression}`, 3);
      const references = [noise, texts];
      const storePath = await addBuilt(pusher, { name: `built-${compression}`, references });
      const to = `${gateway.url}?compression=${compression}`;
      await pusher.run("nix", "copy", "--to", to, storePath);
      for (const path of [noise, texts, storePath]) {
        expect(await signersOf(path)).toEqual(["gateway-1"]);
      }
      const puller = await createPuller(gateway);
      await puller.run("nix-store", "--realise", storePath);
      await verifyStore(puller);
    },
  );

  it("publishes what nix copy packs with xz, but does not sign it", async () => {
    const storePath = await addBuilt(pusher, { name: "built-xz" });
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=xz`, storePath);
    expect(await signersOf(storePath)).toEqual([]);
    const puller = await createPuller(gateway);
    const { code } = await puller.attempt("nix-store", "--realise", storePath);
    expect(code).not.toBe(0);
  });

  it("signs what nargate push sends, and reads only large NARs back", async () => {
    const texts = await addTexts(pusher, "texts-nargate", 30);
    const noise = await addNoise(pusher, "noise-nargate", 3 * MB);
    const references = [texts, noise];
    const storePath = await addBuilt(pusher, { name: "built-nargate", references });
    gateway.bucket.forgetRequests();
    await nargate.run("push", storePath);
    expect(narGets()).toBe(1);
    expect(await signersOf(storePath)).toEqual(["gateway-1"]);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", storePath);
    await verifyStore(puller);
  });

  it("lets push --repair replace a published path whose NAR is not what it says", async () => {
    const [poisoned, other] = [
      await addBuilt(pusher, { name: "poisoned" }),
      await addBuilt(pusher, { name: "another" }),
    ];
    await nargate.run("push", poisoned, other);
    const key = `${hashPart(poisoned)}.narinfo`;
    const right = (await gateway.bucket.read(key))?.toString() ?? "";
    const foreign = (await gateway.bucket.read(`${hashPart(other)}.narinfo`))?.toString() ?? "";
    // The NAR of another path, under a name and a hash that are not its own.
    const take = (text: string, name: string) =>
      text.replace(field(name), field(name).exec(foreign)?.[0] ?? "");
    const wrong = ["URL", "FileHash", "FileSize"].reduce(take, right);
    const claimed = wrong.replace(field("NarHash"), `NarHash: sha256:${"0".repeat(52)}`);
    await gateway.bucket.write(key, Buffer.from(claimed));
    const kept = await nargate.run("push", "--json", poisoned);
    expect(JSON.parse(kept.stdout).skipped).toMatchObject([
      { reason: "in the cache with other contents" },
    ]);
    const { stdout } = await nargate.run("push", "--repair", "--json", poisoned);
    expect(JSON.parse(stdout)).toMatchObject({ pushed: [{ path: poisoned }], skipped: [] });
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", poisoned);
    await verifyStore(puller);
  });

  it("keeps a published path whose NAR is what it says, also with push --repair", async () => {
    const storePath = await addBuilt(pusher, { name: "kept" });
    await nargate.run("push", storePath);
    const key = `${hashPart(storePath)}.narinfo`;
    const right = (await gateway.bucket.read(key))?.toString() ?? "";
    const other = await addBuilt(pusher, { name: "kept-instead" });
    await nargate.run("push", other);
    const foreign = (await gateway.bucket.read(`${hashPart(other)}.narinfo`))?.toString() ?? "";
    const fields = /^(?:URL|Compression|FileHash|FileSize|NarHash|NarSize): .*\n/gm;
    const proved = right.replace(
      /(?:^(?:URL|Compression|FileHash|FileSize|NarHash|NarSize): .*\n)+/m,
      (foreign.match(fields) ?? []).join(""),
    );
    await gateway.bucket.write(key, Buffer.from(proved));
    const { stdout } = await nargate.run("push", "--repair", "--json", storePath);
    expect(JSON.parse(stdout)).toMatchObject({
      pushed: [],
      skipped: [{ reason: "in the cache with other contents, which it keeps" }],
    });
    expect((await gateway.bucket.read(key))?.toString()).toBe(proved);
  });
});
