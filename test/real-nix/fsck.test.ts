import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { fillBucket } from "../../testkit/nix/fill-bucket.ts";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";
import {
  ADMIN_TOKEN,
  type LocalGateway,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { type NargateResult, runNargate } from "../../testkit/node/run-nargate.ts";

const COMPRESSIONS = ["xz", "zstd", "bzip2", "none"];

describe.skipIf(!hasNix)("a bucket with NARs that Nix wrote in xz, zstd, bzip2 and none", () => {
  let gateway: LocalGateway;
  let builder: NixMachine;
  let paths: readonly string[];

  beforeAll(async () => {
    gateway = await startLocalGateway();
    builder = await createPusher(gateway);
    const cache = path.join(builder.directory, "cache");
    const made: string[] = [];
    for (const compression of COMPRESSIONS) {
      const storePath = await addTexts(builder, `in-${compression}`, 3);
      await builder.run(
        "nix",
        "copy",
        "--to",
        `file://${cache}?compression=${compression}`,
        storePath,
      );
      made.push(storePath);
    }
    paths = made;
    await fillBucket(gateway, cache);
  });
  afterAll(() => gateway.stop());

  const fsck = (...args: readonly string[]): Promise<NargateResult> =>
    runNargate(["fsck", "--to", gateway.url, ...args], {
      env: { PATH: process.env["PATH"], NARGATE_TOKEN: ADMIN_TOKEN, ...gateway.bucketSettings },
      cwd: gateway.directory,
    });

  async function narOf(
    storePath: string,
  ): Promise<{ readonly url: string; readonly file: Buffer }> {
    const narinfo = await gateway.bucket.read(`${hashPart(storePath)}.narinfo`);
    const url = /^URL: (.*)$/m.exec(narinfo?.toString() ?? "")?.[1] ?? "";
    return { url, file: (await gateway.bucket.read(url)) ?? Buffer.alloc(0) };
  }

  it("is sound to the last byte", async () => {
    const { code, stdout } = await fsck("--deep");
    expect([code, stdout]).toEqual([
      0,
      "16 paths in the bucket:\n       16 sound: signed by a trusted key, or proved by their content address\n",
    ]);
  });

  it("shows each NAR in which one byte differs, only to --deep", async () => {
    const urls: string[] = [];
    for (const storePath of paths) {
      const { url, file } = await narOf(storePath);
      const at = file.length - 30;
      file.writeUInt8(file.readUInt8(at) ^ 0xff, at);
      await gateway.bucket.write(url, file);
      urls.push(url);
    }
    expect((await fsck()).code).toBe(0);
    const { code, stdout } = await fsck("--deep");
    expect(code).toBe(1);
    for (const storePath of paths) {
      expect(stdout).toContain(`WRONG CONTENTS  ${path.basename(storePath)}`);
    }
    expect(stdout).toContain("        4 with a NAR of other contents");
    expect(new Set(urls).size).toBe(4);
  });

  it("is repaired, so that a plain nix copy brings the right NARs back", async () => {
    const { code, stdout } = await fsck("--deep", "--repair", "--yes");
    expect(code).toBe(0);
    for (const storePath of paths) {
      expect(stdout).toMatch(new RegExp(`^unpublished +${path.basename(storePath)}$`, "m"));
    }
    // xz is the compression of `nix copy`, so this NAR gets the name of the one that was bad.
    await builder.run("nix", "copy", "--to", gateway.url, ...paths);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", ...paths);
    await verifyStore(puller);
    expect((await fsck("--deep")).code).toBe(0);
  });
});
