import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { createBucketPaths } from "../../../src/client/audit/stored-paths.ts";
import { canBeUnpublished, unpublishPaths } from "../../../src/client/audit/unpublish-paths.ts";
import { openCache } from "../../../src/client/gateway/open-cache.ts";
import { samplePath, type SamplePath } from "../../../testkit/node/sample-path.ts";
import {
  serveSignerGateway,
  type SignerGatewayOptions,
} from "../../../testkit/node/serve-signer-gateway.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

const zstd = { compression: "zstd", pack: (input: Buffer) => zlib.zstdCompressSync(input) };

async function start(paths: readonly SamplePath[], options: SignerGatewayOptions = {}) {
  const bucket = await startAuditBucket();
  await bucket.add(...paths);
  const gateway = await serveSignerGateway(bucket.view, options);
  const context = createTestContext({ fetch, env: { NARGATE_TOKEN: "t" } });
  const { client } = await openCache({ to: gateway.url }, context);
  async function unpublish(isDryRun = false) {
    const outcomes = [];
    const findings = paths.map(({ hash, storePath }) => ({ hash, path: storePath }));
    const session = { paths: createBucketPaths(bucket.open(), "/nix/store"), client, isDryRun };
    for await (const { status, says } of unpublishPaths(findings, session, context)) {
      outcomes.push(`${status}: ${says}`);
    }
    return outcomes;
  }
  return { ...bucket, ...gateway, unpublish };
}

describe("unpublishPaths", () => {
  it("deletes the narinfo of a path whose NAR is gone, and no NAR", async () => {
    const path = await samplePath("gone");
    const { view, unpublish, deletes } = await start([path]);
    await view.remove(path.narUrl);
    expect(await unpublish()).toEqual(["unpublished: its NAR is gone"]);
    expect(deletes).toEqual([`${path.hash}.narinfo?force=true`]);
    expect(await unpublish()).toEqual(["kept: its narinfo is gone by now"]);
  });

  it("deletes the narinfo first, and then a NAR whose bytes do not hash to its name", async () => {
    const path = await samplePath("bad", { packed: zstd });
    const { view, unpublish, deletes } = await start([path]);
    await view.write(path.narUrl, zlib.zstdCompressSync(Buffer.from("the NAR of mud")));
    expect(await unpublish()).toEqual([
      `unpublished: its hash is not NarHash; ${path.narUrl} went too`,
    ]);
    expect(deletes).toEqual([`${path.hash}.narinfo?force=true`, `${path.narUrl}?force=true`]);
  });

  it("keeps the NAR of a narinfo that lies about it", async () => {
    const path = await samplePath("liar", { packed: zstd });
    const other = await samplePath("other", { packed: zstd });
    const { view, unpublish, deletes } = await start([path]);
    await view.write(other.narUrl, other.nar);
    const text = path.narinfo
      .replace(path.narUrl, other.narUrl)
      .replace(/FileSize: \d+/, `FileSize: ${other.nar.byteLength}`);
    await view.write(`${path.hash}.narinfo`, Buffer.from(text));
    expect((await unpublish())[0]).toMatch(/^unpublished: it unpacks to|^unpublished: its hash/);
    expect(deletes).toEqual([`${path.hash}.narinfo?force=true`]);
  });

  it("keeps a path that is sound by now", async () => {
    const path = await samplePath("sound", { packed: zstd });
    const { unpublish, deletes } = await start([path]);
    expect(await unpublish()).toEqual(["kept: its NAR is sound by now"]);
    expect(deletes).toEqual([]);
  });

  it("deletes nothing in a dry run", async () => {
    const path = await samplePath("bad", { packed: zstd });
    const { view, unpublish, deletes } = await start([path]);
    await view.write(path.narUrl, zlib.zstdCompressSync(Buffer.from("the NAR of mud")));
    expect(await unpublish(true)).toEqual([
      `ready: its hash is not NarHash; ${path.narUrl} goes too`,
    ]);
    expect(deletes).toEqual([]);
  });

  it("goes on after a path that the gateway refuses", async () => {
    const paths = await Promise.all(["a", "b"].map((name) => samplePath(name)));
    const { view, unpublish } = await start(paths, { deleteStatus: 403 });
    for (const { narUrl } of paths) await view.remove(narUrl);
    const outcomes = await unpublish();
    expect(outcomes).toHaveLength(2);
    expect(outcomes[1]).toMatch(/^failed: \S+\.narinfo: 403 /);
  });
});

describe("canBeUnpublished", () => {
  it.each([
    ["nar-gone", true],
    ["wrong-contents", true],
    ["nar-wrong-size", false],
    ["unsigned", false],
    ["unreadable", false],
    ["not-proved", false],
    ["wrong-file-hash", false],
  ] as const)("takes %s: %s", (verdict, expected) => {
    expect(canBeUnpublished({ verdict })).toBe(expected);
  });
});
