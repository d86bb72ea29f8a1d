import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { ProcessContext } from "../../../src/client/process-context.ts";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../src/nix/signature.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath, type SamplePath } from "../../../testkit/node/sample-path.ts";
import {
  serveSignerGateway,
  type SignerGatewayOptions,
} from "../../../testkit/node/serve-signer-gateway.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const OTHER = await generateSecretKey("old-1");
const PUBLIC_KEY = formatPublicKey(publicKeyOf(valueOf(parseSecretKey(KEY))));

/** A bucket with these paths and a gateway in front of it, which publishes the key of the team. */
async function start(paths: readonly SamplePath[], options: SignerGatewayOptions = {}) {
  const bucket = await startAuditBucket();
  await bucket.add(...paths);
  const facts = { publicKeys: [PUBLIC_KEY] };
  const gateway = await serveSignerGateway(bucket.view, { facts, ...options });
  const cwd = await temporaryDirectory();
  await writeFile(join(cwd, "key"), KEY);
  const sign = (args: readonly string[], overrides: Partial<ProcessContext> = {}) =>
    runNargate(["sign", "--key-file", "key", "--to", gateway.url, ...args], {
      env: { ...bucket.env, NARGATE_TOKEN: "t", PATH: process.env["PATH"] },
      cwd,
      ...overrides,
    });
  const signersOf = async ({ hash }: SamplePath) => {
    const text = (await bucket.view.read(`${hash}.narinfo`))?.toString() ?? "";
    const { signatures } = valueOf(parseNarinfo(text, "/nix/store"));
    return signatures.map((signature) => signature.replace(/:.*/, ""));
  };
  return { ...bucket, ...gateway, cwd, sign, signersOf };
}

/** A terminal at which somebody types. */
function typing(text: string) {
  return {
    isTTY: true,
    async *[Symbol.asyncIterator]() {
      yield text;
    },
  };
}

const many = (count: number) =>
  Promise.all(Array.from({ length: count }, (_, index) => samplePath(`path-${index}`)));

describe("nargate sign --unsigned", () => {
  it("signs what lacks only a signature, and lists what lacks more", async () => {
    const unsigned = await samplePath("unsigned");
    const foreign = await samplePath("foreign", { secretKeys: [OTHER] });
    const sound = await samplePath("sound", { secretKeys: [KEY] });
    const gone = await samplePath("gone");
    const forged = await samplePath("forged", { secretKeys: [await generateSecretKey("team-1")] });
    const { sign, signersOf, view, puts } = await start([unsigned, foreign, sound, gone, forged]);
    await view.remove(gone.narUrl);
    const { code, stdout, stderr } = await sign(["--unsigned", "--yes"]);
    expect(code).toBe(0);
    expect(await signersOf(unsigned)).toEqual(["team-1"]);
    expect(await signersOf(foreign)).toEqual(["old-1", "team-1"]);
    expect(puts.toSorted()).toEqual(
      [unsigned, foreign].map(({ hash }) => `${hash}.narinfo`).toSorted(),
    );
    expect(stdout).toContain(`NAR GONE        ${gone.baseName}\n`);
    expect(stdout).toContain(`FALSE SIGNATURE ${forged.baseName}  not made by team-1\n`);
    expect(stdout).toContain("\n2 paths signed\n");
    expect(stderr).toContain(
      "2 paths to sign with the key team-1:\n        1 without any signature",
    );
    expect(stderr).toContain("        1 signed by none of the trusted keys, but by old-1 (1)\n");
    expect(stderr).toContain("A signature vouches for whatever lies in the bucket");
  });

  it("shows five samples, and asks first", async () => {
    const { sign, puts } = await start(await many(7));
    const no = await sign(["--unsigned"], { stdin: typing("n\n") });
    expect([no.code, puts]).toEqual([1, []]);
    expect(no.stderr).toMatch(/Among them:\n(?: {2}\/nix\/store\/\S+\n){5}A signature/);
    expect(no.stderr).toContain("Sign them? [y/N] Nothing was signed.\n");
    const yes = await sign(["--unsigned"], { stdin: typing("y\n") });
    expect([yes.code, puts.length]).toEqual([0, 7]);
  });

  it("demands --yes without a terminal", async () => {
    const { sign, puts } = await start(await many(1));
    const { code, stderr } = await sign(["--unsigned"]);
    expect([code, puts]).toEqual([2, []]);
    expect(stderr).toContain("there is no terminal to ask for confirmation. Add --yes to go on");
  });

  it("signs nothing in a dry run", async () => {
    const { sign, puts } = await start(await many(2));
    const { code, stdout } = await sign(["--unsigned", "--dry-run"]);
    expect([code, stdout, puts]).toEqual([0, "2 could be signed\n", []]);
  });

  it("needs the scope admin, and says which scope the token has", async () => {
    const { sign, puts } = await start(await many(1), { scopes: ["push"] });
    const { code, stderr } = await sign(["--unsigned", "--yes"]);
    expect([code, puts]).toEqual([1, []]);
    expect(stderr).toBe(
      "nargate: the token tester (from NARGATE_TOKEN) has the scope push, and signing needs admin. The operator makes one with: nargate token create NAME --scope admin\n",
    );
    const none = await sign(["--unsigned", "--yes"], { env: (await startAuditBucket()).env });
    expect(none.code).toBe(2);
  });

  it("sends nothing to a gateway of another bucket", async () => {
    const { sign, puts } = await start([]);
    const other = await startAuditBucket();
    await other.add(...(await many(2)));
    const env = { ...other.env, NARGATE_TOKEN: "t" };
    const { code, stderr } = await sign(["--unsigned", "--yes"], { env });
    expect(code).toBe(1);
    expect(stderr).toContain("does not show the paths of this bucket");
    expect(puts).toEqual([]);
  });

  it("signs nothing where the bucket has no cache", async () => {
    const { sign, puts } = await start([]);
    const { code, stderr } = await sign(["--unsigned", "--yes"]);
    expect([code, puts]).toEqual([1, []]);
    expect(stderr).toBe(
      "nargate: there is no Nix cache at ai-dev-env/nix/cache/: check B2_BUCKET and B2_PREFIX\n",
    );
  });

  it("goes on after a path that fails, and lists it at the end", async () => {
    const paths = await many(5);
    const [first] = paths.map(({ hash }) => hash).toSorted();
    const { sign, puts } = await start(paths, {
      putStatus: (target) => (target === `${first}.narinfo` ? 400 : 200),
    });
    const { code, stdout } = await sign(["--unsigned", "--yes"]);
    expect([code, puts.length]).toEqual([1, 5]);
    expect(stdout).toMatch(
      /^FAILED {10}\S+\n {16}\S+: 400 the reason\n4 paths signed, 1 failed\n$/,
    );
  });

  it("stops if the gateway refuses the token midway", async () => {
    const { sign, puts } = await start(await many(100), { putStatus: () => 401 });
    const { code, stdout } = await sign(["--unsigned", "--yes"]);
    expect(code).toBe(1);
    expect(stdout).toContain("0 paths signed, 100 failed");
    expect(puts.length).toBeLessThan(40);
  });

  it("stops if the bucket goes down midway, and says so", async () => {
    const { sign, b2, puts } = await start(await many(100));
    b2.server.faults.add({
      match: { operation: "GetObject" },
      effect: { status: 503, code: "ServiceUnavailable" },
      skip: 110,
    });
    const { code, stdout } = await sign(["--unsigned", "--yes"]);
    expect(code).toBe(1);
    expect(stdout).toContain("the bucket answered 503 to ");
    expect(puts.length).toBeLessThan(20);
    // 16 paths at once, with 8 attempts each, and a second read for those that were sent.
    expect(b2.server.requests.list({ bucket: b2.bucket, status: 503 }).length).toBeLessThan(300);
  });

  it("does not believe a 200 that stores nothing", async () => {
    const { sign } = await start(await many(1), { keeps: true });
    const { code, stdout } = await sign(["--unsigned", "--yes"]);
    expect(code).toBe(1);
    expect(stdout).toContain("the cache took the signature and does not have it");
  });

  it("leaves out what is signed when it runs again", async () => {
    const { sign, puts } = await start(await many(3));
    await sign(["--unsigned", "--yes", "--state", "s"]);
    const again = await sign(["--unsigned", "--yes", "--state", "s"]);
    expect([again.code, again.stdout, puts.length]).toEqual([
      0,
      "0 paths signed, 3 needed no signature\n",
      3,
    ]);
    const fresh = await sign(["--unsigned", "--yes"]);
    expect([fresh.code, fresh.stdout]).toEqual([0, "0 paths signed\n"]);
    expect(fresh.stderr).toContain(
      "Nothing to sign: every path has a signature that clients accept, or another problem.\n",
    );
  });

  it("purges a few paths from the edge, and says what many need", async () => {
    const few = await start(await many(5));
    expect((await few.sign(["--unsigned", "--yes"])).stderr).not.toContain("EDGE_EPOCH");
    expect(few.purges).toHaveLength(5);
    const more = await start(await many(6));
    expect((await more.sign(["--unsigned", "--yes"])).stderr).toContain("EDGE_EPOCH");
    expect(more.purges).toEqual([]);
    const limited = await start(await many(2), { purgeStatus: 503 });
    const { code, stderr } = await limited.sign(["--unsigned", "--yes"]);
    expect([code, limited.purges.length]).toEqual([0, 1]);
    expect(stderr).toContain("EDGE_EPOCH");
  });

  it("reads the key from standard input, and then asks nothing", async () => {
    const { sign } = await start(await many(1));
    const stdin = typing(KEY);
    const { code } = await sign(["--unsigned", "--yes", "--key-file", "-"], { stdin });
    expect(code).toBe(0);
  });

  it("prints JSON lines", async () => {
    const paths = await many(2);
    const { sign } = await start(paths);
    const { stdout } = await sign(["--unsigned", "--yes", "--json"]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.slice(0, 2).map(({ status }) => status)).toEqual(["signed", "signed"]);
    expect(lines[2]).toMatchObject({ summary: { counts: { signed: 2, failed: 0 } } });
  });
});

describe("nargate sign --prove", () => {
  it("signs only the paths whose NAR is what the narinfo says", async () => {
    const [good, bad] = await many(2);
    if (good === undefined || bad === undefined) throw new Error("no paths");
    const { sign, view, signersOf } = await start([good, bad]);
    const other = Buffer.from(bad.nar.toString().toUpperCase());
    await view.write(bad.narUrl, other);
    const { code, stdout, stderr } = await sign(["--unsigned", "--prove", "--yes"]);
    expect(code).toBe(1);
    expect(await signersOf(good)).toEqual(["team-1"]);
    expect(await signersOf(bad)).toEqual([]);
    expect(stdout).toBe(
      `WRONG CONTENTS  ${bad.baseName}\n${" ".repeat(16)}its hash is not NarHash\n1 path signed, 1 with wrong contents\n`.replace(
        `\n${" ".repeat(16)}`,
        "  ",
      ),
    );
    expect(stderr).toContain("It does not show who built them");
  });
});

describe("nargate sign PATH", () => {
  it("signs the named paths through the gateway, without the settings of the bucket", async () => {
    const path = await samplePath("named", { secretKeys: [OTHER] });
    const { sign, signersOf } = await start([path]);
    const env = { NARGATE_TOKEN: "t" };
    const { code, stderr } = await sign([path.storePath, "--yes", "--prove"], { env });
    expect(code).toBe(0);
    expect(await signersOf(path)).toEqual(["old-1", "team-1"]);
    expect(stderr).toContain(`These are:\n  ${path.storePath}\n`);
  });

  it("signs a path that another trusted key has signed", async () => {
    const publicKeys = [OTHER, KEY].map((key) =>
      formatPublicKey(publicKeyOf(valueOf(parseSecretKey(key)))),
    );
    const path = await samplePath("named", { secretKeys: [OTHER] });
    const { sign, signersOf } = await start([path], { facts: { publicKeys } });
    expect((await sign([path.hash, "--yes"])).code).toBe(0);
    expect(await signersOf(path)).toEqual(["old-1", "team-1"]);
  });

  it("refuses what is broken or absent", async () => {
    const gone = await samplePath("gone");
    const { sign, view, puts } = await start([gone]);
    await view.remove(gone.narUrl);
    const { code, stdout } = await sign([gone.hash, "0".repeat(32), "--yes"]);
    expect([code, puts]).toEqual([1, []]);
    expect(stdout).toContain(`nar-gone: ${gone.narUrl}`);
    expect(stdout).toContain("the cache does not have it");
  });

  it.each([
    { args: [], says: "nothing to sign: name store paths, or use --unsigned" },
    { args: ["--unsigned", "x"], says: "--unsigned finds the paths by itself" },
    { args: ["x", "--state", "s"], says: "--state needs --unsigned" },
    { args: ["x", "--key-file", "-"], says: "standard input has the key" },
  ])("refuses the wrong use $args", async ({ args, says }) => {
    const { sign } = await start([]);
    const { code, stderr } = await sign(args);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });
});
