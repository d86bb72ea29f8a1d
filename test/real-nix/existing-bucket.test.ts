import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { fillBucket } from "../../testkit/nix/fill-bucket.ts";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import {
  type LocalGateway,
  PREFIX,
  publicKeyOfSecret,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";

describe.skipIf(!hasNix)("a bucket that Nix filled without the gateway", () => {
  let gateway: LocalGateway;
  let builder: NixMachine;
  let key: { readonly file: string; readonly publicKey: string };
  let signed: string;
  let unsigned: string;
  let objects: ReadonlyMap<string, Buffer>;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    builder = await createPusher(gateway);
    const secret = await generateSecretKey("team-1");
    key = {
      file: path.join(builder.directory, "team-1.secret"),
      publicKey: publicKeyOfSecret(secret),
    };
    await writeFile(key.file, secret);

    const texts = await addTexts(builder, "old-texts", 5);
    const noise = await addNoise(builder, "old-noise", 100_000);
    signed = await addBuilt(builder, { name: "old-signed", references: [texts, noise] });
    unsigned = await addBuilt(builder, { name: "old-unsigned", references: [signed] });
    const cache = path.join(builder.directory, "old-cache");
    const target = `file://${cache}?compression=xz&write-nar-listing=1`;
    await builder.run("nix", "copy", "--to", `${target}&secret-key=${key.file}`, signed);
    await builder.run("nix", "copy", "--to", target, unsigned);
    objects = await fillBucket(gateway, cache);

    for (const other of ["nix/other.txt", "nix/cache-of-others/x.narinfo", "photos/1.jpg"]) {
      await gateway.bucket.writeOutside(other, Buffer.from("not the cache's"));
    }
    gateway.bucket.forgetRequests();
  });
  afterAll(() => gateway.stop());

  /** A machine that trusts the team's key alone, not the gateway's. */
  const createMember = () => createPuller(gateway, { trustedPublicKeys: [key.publicKey] });

  it("is served byte for byte", async () => {
    // Nine paths, each with a narinfo, a NAR and a listing; and nix-cache-info.
    expect(objects.size).toBe(28);
    for (const [name, bytes] of objects) {
      if (name === "nix-cache-info") continue;
      const answer = await fetch(`${gateway.url}/${name}`);
      expect(answer.status, name).toBe(200);
      expect(bytes.equals(Buffer.from(await answer.arrayBuffer())), name).toBe(true);
    }
  });

  it("is pulled with signatures required, and keeps its own cache info", async () => {
    const member = await createMember();
    await member.run("nix-store", "--realise", signed);
    await verifyStore(member);
    expect((await gateway.bucket.read("nix-cache-info"))?.toString()).toBe(
      "StoreDir: /nix/store\n",
    );
  });

  it("gives up its unsigned path only once it was signed through the gateway", async () => {
    const wary = await createMember();
    const refused = await wary.attempt("nix-store", "--realise", unsigned);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("is not signed by any of the keys in 'trusted-public-keys'");

    const before = gateway.bucket.versions();
    const sign = ["store", "sign", "--store", gateway.url, "-k", key.file];
    await builder.run("nix", ...sign, "--recursive", unsigned);
    const after = gateway.bucket.versions();
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    // Those of the others had the team's signature; the gateway adds its own to all.
    expect(changed).toContain(`${PREFIX}${hashPart(unsigned)}.narinfo`);
    expect(changed.every((name) => name.endsWith(".narinfo"))).toBe(true);

    const member = await createMember();
    await member.run("nix-store", "--realise", unsigned);
    await verifyStore(member);
  });

  it("keeps whatever lies beside the prefix to itself", async () => {
    gateway.bucket.forgetRequests();
    const added = await addBuilt(builder, { name: "new", references: [signed] });
    await builder.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, added);
    const puller = await createPuller(gateway, {
      trustedPublicKeys: [gateway.publicKey, key.publicKey],
    });
    await puller.run("nix-store", "--realise", added);
    for (const other of ["cache-of-others/x.narinfo", "other.txt", "..%2fother.txt"]) {
      expect((await fetch(`${gateway.url}/${other}`)).status).toBe(404);
    }
    const asked = gateway.bucket.requests();
    expect(asked.length).toBeGreaterThan(5);
    for (const { key: name, operation } of asked) {
      expect(operation).not.toMatch(/^List/);
      expect(name.startsWith(PREFIX), name).toBe(true);
    }
  });
});
