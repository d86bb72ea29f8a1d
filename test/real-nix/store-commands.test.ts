import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  closureOf,
  createPuller,
  createPusher,
  verifyStore,
} from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import {
  canBuild,
  createNixMachine,
  hasNix,
  type NixMachine,
} from "../../testkit/nix/nix-client.ts";
import { addBuilt, addDirectory, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";

let gateway: LocalGateway;
let pusher: NixMachine;

async function start() {
  gateway = await startLocalGateway();
  pusher = await createPusher(gateway);
}

/** One path that refers to a few others, pushed. */
async function pushClosure(name: string): Promise<string> {
  const texts = await addTexts(pusher, `${name}-texts`, 4);
  const top = await addBuilt(pusher, { name, references: [texts] });
  await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, top);
  return top;
}

describe.skipIf(!hasNix)("commands of Nix that read the gateway as a store", () => {
  beforeAll(start);
  afterAll(() => gateway.stop());

  it("nix copy --from brings a closure, checking its signatures", async () => {
    const top = await pushClosure("copied");
    const trusting = await createPuller(gateway, { substituter: "" });
    await trusting.run("nix", "copy", "--from", gateway.url, top);
    await verifyStore(trusting);
    expect(await closureOf(trusting, top)).toEqual(await closureOf(pusher, top));

    const wary = await createNixMachine(gateway.directory);
    const refused = await wary.attempt("nix", "copy", "--from", gateway.url, top);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("lacks a valid signature");
  });

  it("nix path-info --json tells what is published, and what is not", async () => {
    const top = await pushClosure("described");
    const missing = await addBuilt(pusher, { name: "not-pushed" });
    const reader = await createPuller(gateway);
    const args = ["path-info", "--store", gateway.url, "--json", top, missing];
    const list: readonly { readonly path: string }[] = JSON.parse(await reader.run("nix", ...args));
    expect(list.find((info) => info.path === top)).toMatchObject({
      url: expect.stringMatching(/^nar\/[0-9a-z]{52}\.nar\.zst$/),
      signatures: [expect.stringMatching(/^gateway-1:/)],
    });
    expect(list).toContainEqual({ path: missing, valid: false });
  });

  it("nix path-info --recursive lists the closure", async () => {
    const top = await pushClosure("listed");
    const reader = await createPuller(gateway);
    const listed = await reader.run("nix", "path-info", "--store", gateway.url, "-r", top);
    expect(listed.split("\n").toSorted()).toEqual(await closureOf(pusher, top));
  });

  it("nix store ls and cat look into a path", async () => {
    const tree = await addDirectory(pusher, "tree", { "share/motd": "hello\n" });
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, tree);
    const reader = await createPuller(gateway);
    const from = ["--store", gateway.url];
    expect(await reader.run("nix", "store", "ls", ...from, "-R", tree)).toBe(
      "./share\n./share/motd",
    );
    expect(await reader.run("nix", "store", "cat", ...from, `${tree}/share/motd`)).toBe("hello");
  });

  it("nix store verify accepts what the gateway signed, and only with its key", async () => {
    const top = await pushClosure("verified");
    const trusting = await createPuller(gateway);
    await trusting.run("nix", "store", "verify", "--store", gateway.url, "--recursive", top);

    const wary = await createNixMachine(gateway.directory);
    const refused = await wary.attempt("nix", "store", "verify", "--store", gateway.url, top);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("is untrusted");
  });
});

describe.skipIf(!hasNix)("what Nix writes beside a store path", () => {
  beforeAll(start);
  afterAll(() => gateway.stop());

  it("write-nar-listing=1 leaves a listing that anyone may read", async () => {
    const tree = await addDirectory(pusher, "listed", { "bin/program": "#!/bin/sh\n" });
    const parameters = "?compression=zstd&write-nar-listing=1";
    await pusher.run("nix", "copy", "--to", gateway.url + parameters, tree);
    const answer = await fetch(`${gateway.url}/${hashPart(tree)}.ls`);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toMatchObject({
      version: 1,
      root: { type: "directory", entries: { bin: { entries: { program: { type: "regular" } } } } },
    });
  });

  it("index-debug-info=true leaves a link from the build id to the NAR", async () => {
    const buildId = "0123456789abcdef0123456789abcdef01234567";
    const file = `lib/debug/.build-id/${buildId.slice(0, 2)}/${buildId.slice(2)}.debug`;
    const tree = await addDirectory(pusher, "debug", { [file]: "debug information" });
    const parameters = "?compression=zstd&index-debug-info=true";
    await pusher.run("nix", "copy", "--to", gateway.url + parameters, tree);
    const answer = await fetch(`${gateway.url}/debuginfo/${buildId}.debug`);
    const link = (await answer.json()) as { archive: string; member: string };
    expect(link.member).toBe(file);
    const nar = await fetch(new URL(link.archive, `${gateway.url}/debuginfo/`));
    expect(nar.status).toBe(200);
  });
});

const DERIVATION = `derivation {
  name = "talkative-1.0+git";
  system = builtins.currentSystem;
  builder = "/bin/sh";
  args = [ "-c" "echo this is the build log >&2; echo built > $out" ];
}`;

describe.skipIf(!canBuild())("what Nix writes about a build", () => {
  beforeAll(start);
  afterAll(() => gateway.stop());

  it("nix store copy-log brings a log that nix log reads", async () => {
    const file = path.join(pusher.directory, "talkative.nix");
    await writeFile(file, DERIVATION);
    const derivation = await pusher.run("nix-instantiate", file);
    const output = await pusher.run("nix-store", "--realise", derivation);
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, output);
    await pusher.run("nix", "store", "copy-log", "--to", gateway.url, derivation);

    const reader = await createPuller(gateway);
    // Asked about an output, Nix finds the log by the narinfo's Deriver.
    const log = await reader.run("nix", "log", "--store", gateway.url, output);
    expect(log).toContain("this is the build log");

    const sameFile = path.join(reader.directory, "talkative.nix");
    await writeFile(sameFile, DERIVATION);
    expect(await reader.run("nix-instantiate", sameFile)).toBe(derivation);
    expect(await reader.run("nix", "log", derivation)).toContain("this is the build log");
  });

  it("a realisation leads another machine from a content-addressed derivation to its output", async () => {
    const settings = { "experimental-features": "nix-command ca-derivations" };
    const expression = DERIVATION.replace(
      "name =",
      `__contentAddressed = true; outputHashMode = "recursive"; outputHashAlgo = "sha256"; name =`,
    );
    const builder = await createPusher(gateway, { settings });
    const file = path.join(builder.directory, "addressed.nix");
    await writeFile(file, expression);
    const output = await builder.run("nix-build", "--no-out-link", file);
    const parameters = "?compression=zstd";
    await builder.run("nix", "copy", "--to", gateway.url + parameters, "--file", file);
    expect(gateway.bucket.keys()).toContainEqual(
      expect.stringMatching(/^realisations\/sha256:[0-9a-f]{64}!out\.doi$/),
    );

    const puller = await createPuller(gateway, { settings: { ...settings, "max-jobs": "0" } });
    const samePlace = path.join(puller.directory, "addressed.nix");
    await writeFile(samePlace, expression);
    expect(await puller.run("nix-build", "--no-out-link", samePlace)).toBe(output);
    await verifyStore(puller);
  });
});
