import { spawnSync } from "node:child_process";
import { join } from "node:path";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { type AuditLog, openAuditLog } from "../../../src/client/audit/audit-log.ts";
import { generateSecretKey, parseSecretKey, publicKeyOf } from "../../../src/nix/signature.ts";
import { runTestAudit } from "../../../testkit/node/run-test-audit.ts";
import { samplePath, type SampleOptions } from "../../../testkit/node/sample-path.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const RULES = { storeDir: "/nix/store", keys: [publicKeyOf(valueOf(parseSecretKey(KEY)))] };

const signed = (name: string, options: SampleOptions = {}) =>
  samplePath(name, { secretKeys: [KEY], ...options });

const program = (name: string) => ({
  compression: name,
  pack: (input: Buffer) => spawnSync(name, ["-c"], { input }).stdout,
});
const zstd = { compression: "zstd", pack: (input: Buffer) => zlib.zstdCompressSync(input) };
const hasProgram = (name: string) => spawnSync(name, ["--version"]).error === undefined;

async function start() {
  const bucket = await startAuditBucket();
  const audit = (log?: AuditLog, env: Readonly<Record<string, string | undefined>> = process.env) =>
    runTestAudit(bucket.open(), {
      rules: RULES,
      plan: { level: "deep" },
      context: { now: bucket.now, env },
      ...(log === undefined ? {} : { log }),
    });
  return { ...bucket, audit };
}

describe("a deep audit", () => {
  it("unpacks NARs of every compression, and finds the one with other contents", async () => {
    const { audit, add, view } = await start();
    const packers = [
      ...["xz", "bzip2"].filter(hasProgram).map(program),
      zstd,
      { compression: "gzip", pack: (input: Buffer) => zlib.gzipSync(input) },
    ];
    const paths = await Promise.all([
      signed("plain"),
      ...packers.map((packed) => signed(`in-${packed.compression}`, { packed })),
    ]);
    await add(...paths);
    expect((await audit()).summary.counts).toMatchObject({ ok: paths.length });

    for (const [index, path] of paths.entries()) {
      const packed = packers[index - 1];
      const other = await samplePath("another-path", packed === undefined ? {} : { packed });
      await view.write(path.narUrl, other.nar);
    }
    const { found, summary } = await audit();
    expect(new Set(found.values())).toEqual(new Set(["wrong-contents"]));
    expect(summary.counts["wrong-contents"]).toBe(paths.length);
  });

  it("tells a NAR that is right, and whose file has another hash than its name", async () => {
    const { audit, add, view } = await start();
    const path = await signed("x", { packed: zstd });
    await add(path);
    // The same size and other bytes: zstd writes no checksum of the contents here.
    const again = zlib.zstdCompressSync(zlib.zstdDecompressSync(path.nar), {
      params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 },
    });
    await view.write(path.narUrl, again);
    const { found, findings } = await audit();
    expect([...found.values()]).toEqual(["nar-wrong-size"]);
    const text = path.narinfo.replace(/FileSize: \d+/, `FileSize: ${again.byteLength}`);
    await view.write(`${path.hash}.narinfo`, Buffer.from(text));
    const second = await audit();
    expect([...second.found.values()]).toEqual(["wrong-file-hash"]);
    expect(second.findings).toEqual(["its file has not the hash that is its name"]);
    expect(findings).toHaveLength(1);
  });

  it("finds that a NAR of a wrong size is cut", async () => {
    const { audit, add, view } = await start();
    const path = await signed("x", { packed: zstd });
    await add(path);
    await view.write(path.narUrl, path.nar.subarray(0, 20));
    expect([...(await audit()).found.values()]).toEqual(["wrong-contents"]);
  });

  it("judges the signature of a path whose NAR is right", async () => {
    const { audit, add } = await start();
    await add(await samplePath("unsigned"));
    expect([...(await audit()).found.values()]).toEqual(["unsigned"]);
  });

  it("says that it lacks the program to unpack a NAR", async () => {
    const { audit, add } = await start();
    await add(await signed("x", { packed: program("xz") }), await signed("y"));
    const { found, findings, summary } = await audit(undefined, { PATH: "/nonexistent" });
    expect([...found.values()]).toEqual(["not-proved"]);
    expect(findings).toEqual(["xz is not on the PATH. Install it, and run the command again"]);
    expect(summary.counts.ok).toBe(1);
  });

  it("stops at a cap that is used up, and goes on later without reading a NAR twice", async () => {
    const { audit, add, b2 } = await start();
    const paths = await Promise.all(Array.from({ length: 60 }, (_, index) => signed(`p-${index}`)));
    await add(...paths);
    const file = join(await temporaryDirectory(), "state");
    b2.server.faults.add({
      match: { operation: "GetObject" },
      effect: { status: 403, code: "AccessDenied" },
      skip: 90,
    });
    await expect(audit(openAuditLog(file, "i", 1))).rejects.toThrow("answered 403");
    b2.server.faults.clear();
    b2.server.requests.clear(b2.bucket);
    const { summary, found } = await audit(openAuditLog(file, "i", 1));
    expect([summary.counts.ok, found.size]).toEqual([60, 0]);
    const read = b2.server.requests
      .list({ bucket: b2.bucket, operation: "GetObject" })
      .filter(({ key }) => key.includes("/nar/"));
    expect(read.length).toBeGreaterThan(0);
    expect(read.length).toBeLessThan(60);
  });
});
