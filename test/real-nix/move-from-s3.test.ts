import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { fillBucket } from "../../testkit/nix/fill-bucket.ts";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import {
  ADMIN_TOKEN,
  type LocalGateway,
  publicKeyOfSecret,
  PUSH_TOKEN,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addManyBuilt, hashPart } from "../../testkit/nix/nix-paths.ts";
import { type NargateResult, runNargate } from "../../testkit/node/run-nargate.ts";

const COUNT = 50;

describe.skipIf(!hasNix)("a bucket of s3:// with 50 unsigned paths", () => {
  const secretKey = generateSecretKey("team-1");
  let gateway: LocalGateway;
  let paths: readonly string[];
  let member: NixMachine;
  let keyFile: string;
  let first: string;
  let second: string;
  let third: string;

  beforeAll(async () => {
    const publicKey = publicKeyOfSecret(await secretKey);
    gateway = await startLocalGateway({ SIGNING_KEY: "", PUBLIC_KEYS: publicKey });
    const builder = await createPusher(gateway);
    keyFile = path.join(builder.directory, "team-1.secret");
    await writeFile(keyFile, await secretKey);
    paths = await addManyBuilt(
      builder,
      Array.from({ length: COUNT }, (_, index) => ({ name: `old-${index}` })),
    );
    [first = "", second = "", third = ""] = paths;
    const cache = path.join(builder.directory, "old-cache");
    // The default of `nix copy --to s3://`.
    await builder.run("nix", "copy", "--to", `file://${cache}?compression=xz`, ...paths);
    await fillBucket(gateway, cache);
    member = await createPuller(gateway, { trustedPublicKeys: [publicKey] });
  });
  afterAll(() => gateway.stop());

  function nargate(token: string, ...args: readonly string[]): Promise<NargateResult> {
    return runNargate([...args, "--to", gateway.url], {
      env: {
        PATH: process.env["PATH"],
        HOME: "/nonexistent",
        NARGATE_TOKEN: token,
        ...gateway.bucketSettings,
      },
      cwd: gateway.directory,
    });
  }

  it("is refused by a client, with the message that the README quotes", async () => {
    const refused = await member.attempt("nix-store", "--realise", ...paths);
    expect(refused.code).not.toBe(0);
    for (const storePath of paths) {
      expect(refused.stderr).toContain(
        `warning: the substitute for '${storePath}' from '${gateway.url}' is not signed by any of the keys in 'trusted-public-keys'`,
      );
    }
    const copied = await member.attempt("nix", "copy", "--from", gateway.url, first);
    expect(copied.stderr).toContain(
      `error: cannot add path '${first}' because it lacks a valid signature`,
    );
  });

  it("is listed by nargate fsck", async () => {
    const { code, stdout } = await nargate("", "fsck");
    expect(code).toBe(1);
    expect(stdout.split("\n").filter((line) => line.startsWith("unsigned "))).toHaveLength(COUNT);
    expect(stdout).toContain(`${COUNT} paths in the bucket:`);
  });

  it("is signed by nargate sign --unsigned, with its NARs proved, and no NAR is sent", async () => {
    const sign = ["sign", "--unsigned", "--prove", "--yes", "--key-file", keyFile];
    const pusher = await nargate(PUSH_TOKEN, ...sign);
    expect([pusher.code, pusher.stdout]).toEqual([1, ""]);
    expect(pusher.stderr).toContain("the token ci (from NARGATE_TOKEN) has the scope push");

    gateway.bucket.forgetRequests();
    const { code, stdout, stderr } = await nargate(ADMIN_TOKEN, ...sign);
    expect([code, stdout]).toEqual([0, `${COUNT} paths signed\n`]);
    expect(stderr).toContain(`${COUNT} paths to sign with the key team-1`);
    const written = gateway.bucket.requests({ method: "PUT" }).map(({ key }) => key);
    expect(written).toHaveLength(COUNT);
    expect(written.every((key) => key.endsWith(".narinfo"))).toBe(true);
    expect((await nargate("", "fsck")).code).toBe(0);
    expect((await nargate(ADMIN_TOKEN, ...sign)).stderr).toContain("Nothing to sign");
  });

  it("stays refused by the client that remembers the unsigned narinfos", async () => {
    const refused = await member.attempt("nix-store", "--realise", ...paths);
    expect(refused.code).not.toBe(0);
    for (const storePath of paths) expect(refused.stderr).toContain(`'${storePath}' from`);
    expect(refused.stderr).toContain("is not signed by any of the keys in 'trusted-public-keys'");
  });

  it("is pulled by the same client under an address that it has never asked", async () => {
    // The memory belongs to the address, so what s3:// showed does not count for https://.
    const address = gateway.url.replace("127.0.0.1", "localhost");
    const realise = ["nix-store", "--realise", third, "--option", "substituters"] as const;
    expect((await member.attempt(...realise, gateway.url)).code).not.toBe(0);
    expect((await member.attempt(...realise, address)).code).toBe(0);
  });

  it("is pulled with an option for one command, and for the paths of that command", async () => {
    const ask = ["--option", "narinfo-cache-positive-ttl", "0"];
    expect((await member.attempt("nix-store", "--realise", ...ask, first)).code).toBe(0);
    expect((await member.attempt("nix-store", "--realise", second)).code).not.toBe(0);
    await member.run("nix", "copy", "--refresh", "--from", gateway.url, second);
  });

  it("is pulled whole by the same client, once its memory is deleted", async () => {
    const cache = path.join(member.directory, "cache/nix");
    const remembered = (await readdir(cache)).filter((name) =>
      /^binary-cache-v\d+\.sqlite/.test(name),
    );
    expect(remembered.length).toBeGreaterThan(0);
    for (const name of remembered) await rm(path.join(cache, name));
    await member.run("nix-store", "--realise", ...paths);
    await verifyStore(member);
    const held = await member.run("nix-store", "--query", "--hash", ...paths);
    expect(held.split("\n")).toHaveLength(COUNT);
  });
});

describe.skipIf(!hasNix)("two who sign the same bucket at once", () => {
  it("both find their signatures on every path", async () => {
    const secrets = await Promise.all(["one-1", "two-1"].map((name) => generateSecretKey(name)));
    const gateway = await startLocalGateway({
      SIGNING_KEY: "",
      PUBLIC_KEYS: secrets.map(publicKeyOfSecret).join(" "),
    });
    onTestFinished(() => gateway.stop());
    const builder = await createPusher(gateway);
    const list = Array.from({ length: 30 }, (_, index) => ({ name: `shared-${index}` }));
    const paths = await addManyBuilt(builder, list);
    const cache = path.join(builder.directory, "cache-of-both");
    await builder.run("nix", "copy", "--to", `file://${cache}?compression=none`, ...paths);
    await fillBucket(gateway, cache);
    const results = await Promise.all(
      secrets.map(async (secret, index) => {
        const keyFile = path.join(builder.directory, `key-${index}`);
        await writeFile(keyFile, secret);
        return await runNargate(
          ["sign", "--yes", "--key-file", keyFile, "--to", gateway.url, ...paths],
          { env: { NARGATE_TOKEN: ADMIN_TOKEN }, cwd: gateway.directory },
        );
      }),
    );
    expect(results.map(({ code }) => code)).toEqual([0, 0]);
    for (const storePath of paths) {
      const text = (await gateway.bucket.read(`${hashPart(storePath)}.narinfo`))?.toString() ?? "";
      expect(text).toMatch(/^Sig: one-1:/m);
      expect(text).toMatch(/^Sig: two-1:/m);
    }
  });
});
