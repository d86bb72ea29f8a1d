import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseNarinfo } from "../../src/nix/narinfo.ts";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import {
  type LocalGateway,
  publicKeyOfSecret,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";

/** A key pair; the secret half as a file on a machine, as Nix wants it. */
async function createKey(machine: NixMachine, name: string) {
  const secret = await generateSecretKey(name);
  const file = path.join(machine.directory, `${name}.secret`);
  await writeFile(file, secret, { mode: 0o600 });
  return { file, publicKey: publicKeyOfSecret(secret) };
}

/** The names of the keys that signed what the gateway serves for a path, in order. */
async function signersOf(gateway: LocalGateway, storePath: string): Promise<readonly string[]> {
  const text = await gateway.bucket.read(`${hashPart(storePath)}.narinfo`);
  const narinfo = parseNarinfo(text?.toString() ?? "", "/nix/store");
  if (!narinfo.ok) throw new Error(narinfo.error);
  return narinfo.value.signatures.map((signature) => signature.replace(/:.*/, ""));
}

describe.skipIf(!hasNix)("signatures of those who push", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
  });
  afterAll(() => gateway.stop());

  it("secret-key=FILE signs beside the gateway, and either key will do", async () => {
    const key = await createKey(pusher, "pusher-1");
    const storePath = await addBuilt(pusher, { name: "signed-twice" });
    const parameters = `?compression=zstd&secret-key=${key.file}`;
    await pusher.run("nix", "copy", "--to", gateway.url + parameters, storePath);
    expect(await signersOf(gateway, storePath)).toEqual(["gateway-1", "pusher-1"]);
    for (const trusted of [key.publicKey, gateway.publicKey]) {
      const puller = await createPuller(gateway, { trustedPublicKeys: [trusted] });
      await puller.run("nix-store", "--realise", storePath);
    }
  });

  it("nix store sign adds a signature, keeps the others and moves no NAR", async () => {
    const key = await createKey(pusher, "later-1");
    const texts = await addTexts(pusher, "texts-to-sign", 3);
    const storePath = await addBuilt(pusher, { name: "signed-later", references: [texts] });
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, storePath);
    gateway.bucket.forgetRequests();

    const sign = ["store", "sign", "--store", gateway.url, "-k", key.file];
    await pusher.run("nix", ...sign, "--recursive", storePath);
    expect(await signersOf(gateway, storePath)).toEqual(["gateway-1", "later-1"]);
    expect(await signersOf(gateway, texts)).toEqual(["gateway-1", "later-1"]);
    const written = gateway.bucket.requests({ method: "PUT" }).map((request) => request.key);
    expect(written).toHaveLength(5);
    expect(written.every((name) => name.endsWith(".narinfo"))).toBe(true);

    const puller = await createPuller(gateway, { trustedPublicKeys: [key.publicKey] });
    await puller.run("nix-store", "--realise", storePath);
    await verifyStore(puller);
  });
});

describe.skipIf(!hasNix)("a gateway with TRUSTED_PUBLIC_KEYS", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let trustedKey: { readonly file: string; readonly publicKey: string };

  beforeAll(async () => {
    const secret = await generateSecretKey("team-1");
    const publicKey = publicKeyOfSecret(secret);
    gateway = await startLocalGateway({ TRUSTED_PUBLIC_KEYS: publicKey });
    pusher = await createPusher(gateway);
    trustedKey = { file: path.join(pusher.directory, "team-1.secret"), publicKey };
    await writeFile(trustedKey.file, secret);
  });
  afterAll(() => gateway.stop());

  it("refuses a path that nobody signed, and says to sign it", async () => {
    const storePath = await addBuilt(pusher, { name: "unsigned" });
    const target = `${gateway.url}?compression=zstd`;
    const refused = await pusher.attempt("nix", "copy", "--to", target, storePath);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(
      "no signature by a key that this cache trusts. Sign the path first",
    );
    expect(gateway.bucket.keys()).not.toContain(`${hashPart(storePath)}.narinfo`);
  });

  it("refuses a signature of a key that it does not trust", async () => {
    const other = await createKey(pusher, "someone-else-1");
    const storePath = await addBuilt(pusher, { name: "signed-by-someone-else" });
    const target = `${gateway.url}?compression=zstd&secret-key=${other.file}`;
    const refused = await pusher.attempt("nix", "copy", "--to", target, storePath);
    expect(refused.stderr).toContain(
      "no signature by a key that this cache trusts. Sign the path first",
    );
  });

  it("takes a path that is signed on its way, or was signed before, as the refusal says", async () => {
    const onItsWay = await addBuilt(pusher, { name: "signed-on-its-way" });
    const target = `${gateway.url}?compression=zstd`;
    const signing = `${target}&secret-key=${trustedKey.file}`;
    await pusher.run("nix", "copy", "--to", signing, onItsWay);

    const before = await addBuilt(pusher, { name: "signed-before", references: [onItsWay] });
    const sign = ["store", "sign", "--key-file", trustedKey.file, "--recursive", before];
    await pusher.run("nix", ...sign);
    await pusher.run("nix", "copy", "--to", target, before);

    const puller = await createPuller(gateway, { trustedPublicKeys: [trustedKey.publicKey] });
    expect(await puller.run("nix-store", "--realise", before)).toBe(before);
    await verifyStore(puller);
  });

  it("takes a content-addressed path without any signature, adds none, and Nix takes it too", async () => {
    const texts = await addTexts(pusher, "unsigned-texts", 3);
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, texts);
    expect(await signersOf(gateway, texts)).toEqual([]);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", texts);
    await verifyStore(puller);
  });
});
