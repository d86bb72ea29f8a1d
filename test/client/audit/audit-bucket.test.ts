import { readFile } from "node:fs/promises";
import { join } from "node:path";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import type { AuditProgress } from "../../../src/client/audit/audit-bucket.ts";
import { type AuditLog, createNoLog, openAuditLog } from "../../../src/client/audit/audit-log.ts";
import type { AuditRules } from "../../../src/client/audit/judge-narinfo.ts";
import type { BucketReader } from "../../../src/client/bucket/bucket-reader.ts";
import { generateSecretKey, parseSecretKey, publicKeyOf } from "../../../src/nix/signature.ts";
import { runTestAudit } from "../../../testkit/node/run-test-audit.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const RULES: AuditRules = {
  storeDir: "/nix/store",
  keys: [publicKeyOf(valueOf(parseSecretKey(KEY)))],
};

const audit = (
  bucket: BucketReader,
  log: AuditLog = createNoLog(),
  onChecked: AuditProgress["onChecked"] = () => {},
) => runTestAudit(bucket, { rules: RULES, log, onChecked });

describe("auditBucket", () => {
  it("gives each path its verdict, and passes over everything else", async () => {
    const { view, add, open } = await startAuditBucket();
    const signed = await samplePath("signed", { secretKeys: [KEY] });
    const unsigned = await samplePath("unsigned");
    const gone = await samplePath("gone");
    const cut = await samplePath("cut", { secretKeys: [KEY] });
    const elsewhere = await samplePath("elsewhere");
    const malformed = await samplePath("malformed");
    const swapped = await samplePath("swapped");
    const opaque = await samplePath("opaque");
    const packed = await samplePath("packed", { secretKeys: [KEY] });
    await add(signed, unsigned, gone, cut, elsewhere, malformed, swapped, opaque, packed);
    await view.remove(gone.narUrl);
    await view.write(cut.narUrl, Buffer.from("cut"));
    const write = (hash: string, text: string | Buffer) =>
      view.write(`${hash}.narinfo`, Buffer.from(text));
    const url = `URL: ${elsewhere.narUrl}`;
    await write(elsewhere.hash, elsewhere.narinfo.replace(url, "URL: https://evil.example/x.nar"));
    await write(malformed.hash, "StorePath: \u001B[31m\n");
    await write(swapped.hash, signed.narinfo);
    await write(opaque.hash, Buffer.from("\u{fd}7zXZ\0", "latin1"));
    await write(packed.hash, zlib.zstdCompressSync(packed.narinfo));
    for (const other of [
      "nix-cache-info",
      `${signed.hash}.ls`,
      "log/x",
      "realisations/x.doi",
      ".incoming/x.nar/y/z",
      ".canary/x",
      "README.narinfo",
      "zzz\u001B[31m.narinfo",
    ]) {
      await view.write(other, Buffer.from("x"));
    }

    const { summary, found } = await audit(open());
    expect(Object.fromEntries(found)).toEqual({
      [unsigned.hash]: "unsigned",
      [gone.hash]: "nar-gone",
      [cut.hash]: "nar-wrong-size",
      [elsewhere.hash]: "nar-elsewhere",
      [malformed.hash]: "unreadable",
      [swapped.hash]: "unreadable",
      [opaque.hash]: "unreadable",
    });
    expect(summary.checked).toBe(9);
    expect(summary.counts).toMatchObject({ ok: 2, unsigned: 1, unreadable: 3 });
    expect([...found.keys()]).toEqual([...found.keys()].toSorted());
  });

  it("asks for each narinfo once, and for the NARs by listing alone", async () => {
    const { b2, add, open } = await startAuditBucket();
    const names = Array.from({ length: 40 }, (_, index) => `path-${index}`);
    await add(...(await Promise.all(names.map((name) => samplePath(name, { secretKeys: [KEY] })))));
    b2.server.requests.clear(b2.bucket);
    const { summary } = await audit(open());
    expect(summary.counts.ok).toBe(40);
    const asked = b2.server.requests.list({ bucket: b2.bucket });
    expect(asked.map(({ method }) => method).every((method) => method === "GET")).toBe(true);
    expect(asked.filter(({ operation }) => operation === "GetObject")).toHaveLength(40);
    expect(asked).toHaveLength(42);
  });

  it("does not miss a NAR that came after the NARs were listed", async () => {
    const { add, open } = await startAuditBucket();
    const late = await samplePath("late", { secretKeys: [KEY] });
    const bucket = open();
    async function* list(options: Parameters<BucketReader["list"]>[0]) {
      yield* bucket.list(options);
      if (options.start === "nar/") await add(late);
    }
    expect((await audit({ ...bucket, list })).summary.counts).toMatchObject({ ok: 1 });
  });

  it("passes over a narinfo that was deleted after it was listed", async () => {
    const { add, view, open } = await startAuditBucket();
    const path = await samplePath("deleted");
    await add(path);
    const bucket = open();
    const read = async (...args: Parameters<BucketReader["read"]>) => {
      await view.remove(`${path.hash}.narinfo`);
      return await bucket.read(...args);
    };
    expect((await audit({ ...bucket, read })).summary.checked).toBe(0);
  });

  it("tries again where the bucket fails for a moment", async () => {
    const { b2, add, open } = await startAuditBucket();
    await add(await samplePath("a", { secretKeys: [KEY] }));
    b2.server.faults.add(
      { effect: { status: 503, code: "SlowDown" }, count: 3 },
      { match: { operation: "GetObject" }, effect: { cutAfterBytes: 10 }, count: 2 },
    );
    expect((await audit(open())).summary.counts.ok).toBe(1);
  });

  it("calls a narinfo unreadable that never arrives whole, and goes on", async () => {
    const { b2, add, open } = await startAuditBucket();
    const [broken, sound] = await Promise.all([
      samplePath("broken", { secretKeys: [KEY] }),
      samplePath("sound", { secretKeys: [KEY] }),
    ]);
    await add(broken, sound);
    b2.server.faults.add({
      match: { key: `nix/cache/${broken.hash}.narinfo`, operation: "GetObject" },
      effect: { cutAfterBytes: 10 },
    });
    const { summary, found } = await audit(open());
    expect(summary.counts).toMatchObject({ ok: 1, unreadable: 1 });
    expect(found.get(broken.hash)).toBe("unreadable");
  });

  it.each([
    { what: "a cap that is used up", effect: { status: 403, code: "AccessDenied" } },
    { what: "a bucket that is down", effect: { status: 503, code: "ServiceUnavailable" } },
  ])("stops at $what, and calls no path wrong for it", async ({ effect }) => {
    const { b2, add, open } = await startAuditBucket();
    await add(await samplePath("a", { secretKeys: [KEY] }));
    b2.server.faults.add({ match: { operation: "GetObject" }, effect });
    await expect(audit(open())).rejects.toThrow(/answered (?:403|503)/);
  });
});

describe("an audit that is ended", () => {
  const names = Array.from({ length: 60 }, (_, index) => `path-${index}`);

  async function startHalf() {
    const bucket = await startAuditBucket();
    const paths = await Promise.all(names.map((name) => samplePath(name)));
    await bucket.add(...paths);
    const file = join(await temporaryDirectory(), "audit.state");
    return { ...bucket, file, hashes: paths.map(({ hash }) => hash).toSorted() };
  }

  it("goes on where the bucket went down, and counts all", async () => {
    const { b2, open, file, hashes } = await startHalf();
    b2.server.faults.add({
      match: { operation: "GetObject" },
      effect: { status: 503, code: "ServiceUnavailable" },
      skip: 45,
    });
    await expect(audit(open(), openAuditLog(file, "i"))).rejects.toThrow("503");
    const recorded = (await readFile(file, "utf8")).trim().split("\n").length - 1;
    expect(recorded).toBeGreaterThan(10);

    b2.server.faults.clear();
    b2.server.requests.clear(b2.bucket);
    const { summary, found } = await audit(open(), openAuditLog(file, "i"));
    expect(summary).toMatchObject({ checked: 60, counts: { unsigned: 60 } });
    expect([...found.keys()]).toEqual(hashes);
    // Requests of the first run may still be under way, for the same narinfos.
    const asked = b2.server.requests.list({ bucket: b2.bucket, operation: "GetObject" });
    expect(new Set(asked.map(({ key }) => key)).size).toBe(60 - recorded);
  });

  it("goes on after Ctrl-C", async () => {
    const { open, file, hashes } = await startHalf();
    const controller = new AbortController();
    const stopped = audit(
      open({ signal: controller.signal }),
      openAuditLog(file, "i"),
      (paths) => paths === 20 && controller.abort(new Error("interrupted")),
    );
    await expect(stopped).rejects.toThrow("interrupted");
    const { summary, found } = await audit(open(), openAuditLog(file, "i"));
    expect(summary.checked).toBe(60);
    expect([...found.keys()]).toEqual(hashes);
  });

  it("goes on after a narinfo with a URL of megabytes", async () => {
    const { add, view, open } = await startAuditBucket();
    const path = await samplePath("long");
    await add(path);
    const text = path.narinfo.replace(/^URL: .*$/m, `URL: https://x/${"x".repeat(2_000_000)}`);
    await view.write(`${path.hash}.narinfo`, Buffer.from(text));
    const file = join(await temporaryDirectory(), "audit.state");
    await audit(open(), openAuditLog(file, "i"));
    const { found, findings } = await audit(open(), openAuditLog(file, "i"));
    expect([...found.values()]).toEqual(["nar-elsewhere"]);
    expect(findings[0]?.length).toBe(1000);
  });

  it("asks the bucket nothing if it was complete", async () => {
    const { b2, open, file, hashes } = await startHalf();
    await audit(open(), openAuditLog(file, "i"));
    b2.server.requests.clear(b2.bucket);
    const { summary, found } = await audit(open(), openAuditLog(file, "i"));
    expect([summary.checked, found.size]).toEqual([60, hashes.length]);
    expect(b2.server.requests.list({ bucket: b2.bucket })).toEqual([]);
  });
});
