import { beforeAll, describe, expect, it } from "vitest";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../src/nix/signature.ts";
import { valueOf } from "../../../testkit/value-of.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import { serveCache } from "../../../testkit/node/serve-cache.ts";

const publicHalf = (secret: string) =>
  formatPublicKey(publicKeyOf(valueOf(parseSecretKey(secret))));

describe("nargate info", () => {
  let ours: string;
  let theirs: string;
  let facts: { publicKeys: readonly string[] };

  beforeAll(async () => {
    ours = await generateSecretKey("ours-1");
    theirs = await generateSecretKey("theirs-1");
    facts = { publicKeys: [publicHalf(ours)] };
  });

  it("shows all of a path, with what its signatures are worth", async () => {
    const base = await samplePath("base");
    const path = await samplePath("thing", {
      references: [base],
      secretKeys: [ours, theirs],
      lines: [`Deriver: ${base.hash}-thing.drv`],
    });
    const url = await serveCache([path], facts);
    const { code, stdout, stderr } = await runNargate(["info", "--to", url, path.storePath]);
    expect([code, stderr]).toEqual([0, ""]);
    const digest = path.narUrl.slice("nar/".length, -".nar".length);
    expect(stdout).toBe(
      [
        path.storePath,
        `  NAR         ${path.narUrl} (none): in the bucket`,
        `  file        16 bytes, sha256:${digest}`,
        `  unpacked    16 bytes, sha256:${digest}`,
        `  deriver     ${base.hash}-thing.drv`,
        "  content     no content address",
        "  signatures  ours-1: good, made by a key that this cache publishes",
        "              theirs-1: not checked, because this cache does not publish this key",
        "  usable      yes",
        `  references  ${base.storePath}`,
        "",
      ].join("\n"),
    );
  });

  it("says that the cache does not have it", async () => {
    const path = await samplePath("thing");
    const url = await serveCache([]);
    expect(await runNargate(["info", "--to", url, path.storePath])).toEqual({
      code: 1,
      stdout: `${path.storePath}: missing\n`,
      stderr: "",
    });
    const { stdout } = await runNargate(["info", "--json", "--to", url, path.hash]);
    expect(JSON.parse(stdout)).toEqual({ path: path.hash, status: "missing" });
  });

  it("finds a signature false that is over something else", async () => {
    const signed = await samplePath("thing", { secretKeys: [ours] });
    const path = { ...signed, narinfo: signed.narinfo.replace("NarSize: 16", "NarSize: 17") };
    const url = await serveCache([path], facts);
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "ours-1: FALSE: the key of this name that this cache publishes did not make it",
    );
  });

  it("finds a signature good by the second of two keys of a name", async () => {
    const path = await samplePath("thing", { secretKeys: [ours] });
    const other = publicHalf(await generateSecretKey("ours-1"));
    const url = await serveCache([path], { publicKeys: [other, ...facts.publicKeys] });
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(0);
    expect(stdout).toContain("ours-1: good");
  });

  it.each([
    { what: "nobody signed", signers: [], why: "no signature by a key that this cache publishes" },
    { what: "another key signed", signers: ["theirs"], why: "no signature by a key that" },
  ])("calls a path unusable that $what, and exits with 1", async ({ signers, why }) => {
    const path = await samplePath("thing", { secretKeys: signers.map(() => theirs) });
    const url = await serveCache([path], facts);
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(1);
    expect(stdout).toContain(`  usable      NO: ${why}`);
    const json = await runNargate(["info", "--json", "--to", url, path.hash]);
    expect(JSON.parse(json.stdout)).toMatchObject({ status: "unsound", usable: false });
  });

  it("says that the cache publishes no key, where it publishes none", async () => {
    const path = await samplePath("thing", { secretKeys: [ours] });
    const url = await serveCache([path], { publicKeys: [] });
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(1);
    expect(stdout).toContain("  usable      NO: this cache publishes no key");
  });

  it("finds a malformed signature", async () => {
    const path = await samplePath("thing", { lines: ["Sig: ours-1:short"] });
    const url = await serveCache([path], facts);
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(1);
    expect(stdout).toContain("ours-1:short: MALFORMED");
  });

  it("finds that the NAR is gone", async () => {
    const path = await samplePath("thing", { secretKeys: [ours] });
    const url = await serveCache([path], facts, { [path.narUrl]: undefined });
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(1);
    expect(stdout).toContain(`${path.narUrl} (none): MISSING`);
    expect(stdout).toContain("nargate push --repair sends the NAR again");
  });

  it("finds that the NAR has another size", async () => {
    const path = await samplePath("thing", { secretKeys: [ours] });
    const url = await serveCache([path], facts, { [path.narUrl]: "cut" });
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(1);
    expect(stdout).toContain("WRONG SIZE: the bucket has 3 bytes");
  });

  it("does not look for a NAR elsewhere", async () => {
    const path = await samplePath("thing", { secretKeys: [ours] });
    const narinfo = path.narinfo.replace("URL: nar/", "URL: https://elsewhere.example/nar/");
    const url = await serveCache([{ ...path, narinfo }], facts);
    const { code, stdout } = await runNargate(["info", "--to", url, path.hash]);
    expect(code).toBe(0);
    expect(stdout).toContain("on another server, not checked");
  });

  it.each([
    // The path that Nix 2.8 computes for builtins.toFile "hi" "hi".
    { what: "its own", name: "hi", code: 0, text: ": matches this path" },
    { what: "another's", name: "ho", code: 1, text: ": does NOT match this path" },
  ])("holds the path against a content address that is $what", async ({ name, code, text }) => {
    const hash = "fd6846zv66nhsbwjaijjqbykvk60smps";
    const path = await samplePath("thing");
    const narinfo = path.narinfo
      .replace(/StorePath: .*/, `StorePath: /nix/store/${hash}-${name}`)
      .replace(
        "References: \n",
        `References: \nCA: text:sha256:193s6bfb4ncbr0d3rpb177cac43b2z2h3afxi7grcswgci346hwg\n`,
      );
    const url = await serveCache(
      [],
      {},
      { [`${hash}.narinfo`]: narinfo, [path.narUrl]: String(path.nar) },
    );
    const { code: actual, stdout } = await runNargate(["info", "--to", url, hash]);
    expect(stdout).toContain(text);
    expect(actual).toBe(code);
  });

  it("prints JSON for a program", async () => {
    const path = await samplePath("thing", { secretKeys: [ours, theirs] });
    const url = await serveCache([path], facts);
    const { stdout } = await runNargate(["info", "--json", "--to", url, path.hash]);
    expect(JSON.parse(stdout)).toMatchObject({
      path: path.storePath,
      status: "sound",
      nar: { verdict: "there", size: 16 },
      deriver: null,
      contentAddress: null,
      contentAddressGivesPath: null,
      signatures: [
        { keyName: "ours-1", verdict: "good" },
        { keyName: "theirs-1", verdict: "unknown key" },
      ],
      references: [],
    });
  });
});
