import { readdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
    const copied = await member.attempt("nix", "copy", "--from", gateway.url, paths[0] ?? "");
    expect(copied.stderr).toContain(
      `error: cannot add path '${paths[0]}' because it lacks a valid signature`,
    );
  });

  it("is listed by nargate audit-bucket", async () => {
    const { code, stdout } = await nargate("", "audit-bucket");
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
    expect((await nargate("", "audit-bucket")).code).toBe(0);
    expect((await nargate(ADMIN_TOKEN, ...sign)).stderr).toContain("Nothing to sign");
  });

  it("stays refused by the client that remembers the unsigned narinfos", async () => {
    gateway.bucket.forgetRequests();
    const refused = await member.attempt("nix-store", "--realise", ...paths);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("is not signed by any of the keys in 'trusted-public-keys'");
    console.log(refused.stderr.slice(0, 500), gateway.bucket.requests().length);
  });

  it("is pulled whole by the same client, once it asks again", async () => {
    const ask = ["--option", "narinfo-cache-positive-ttl", "0"];
    const once = await member.attempt("nix-store", "--realise", ...ask, paths[0] ?? "");
    console.log(once.code, once.stderr.slice(0, 300));
    const still = await member.attempt("nix-store", "--realise", ...paths);
    console.log("without ttl", still.code, still.stderr.slice(0, 300));
    const copy2 = await member.attempt(
      "nix",
      "copy",
      "--refresh",
      "--from",
      gateway.url,
      paths[3] ?? "",
    );
    console.log("refresh", copy2.code, copy2.stderr.slice(0, 300));
    const cache = path.join(member.directory, "cache/nix");
    const files = await readdir(cache);
    console.log(files);
    for (const file of files.filter((name) => /^binary-cache-v\d+\.sqlite/.test(name))) {
      await rm(path.join(cache, file));
    }
    await member.run("nix-store", "--realise", ...paths);
    await verifyStore(member);
    expect(paths.map(hashPart)).toHaveLength(COUNT);
  });
});
