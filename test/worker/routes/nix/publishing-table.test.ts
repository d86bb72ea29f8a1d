import { beforeEach, describe, expect, it } from "vitest";
import { PREFIX, startGateway, type TestGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH } from "../../../../testkit/workerd/prepared.ts";
import { type FakeStorePath, makeStorePath } from "../../../../testkit/store-path.ts";

// Row by row what docs/http.md says under "Uploads": what becomes of a narinfo
// that passes the checks, by what is published under its name already.

const signature = (keyName: string) => `Sig: ${keyName}:${btoa(keyName[0]?.repeat(64) ?? "")}\n`;

describe("what is already published", () => {
  let gateway: TestGateway;
  let path: FakeStorePath;

  beforeEach(async () => {
    gateway = await startGateway();
    path = await makeStorePath(HASH);
    await gateway.push(path.narPath, path.nar);
  });

  async function publish(text: string): Promise<void> {
    await gateway.bucket.putObject(PREFIX + path.narinfoPath.slice(1), text);
  }
  async function published(): Promise<string | undefined> {
    return (await gateway.bucket.getObject(PREFIX + path.narinfoPath.slice(1)))?.text;
  }
  async function push(text: string): Promise<number> {
    return (await gateway.push(path.narinfoPath, text)).status;
  }

  it("nothing: 200, published", async () => {
    expect(await push(path.narinfo)).toBe(200);
    expect(await published()).toBe(path.narinfo);
  });

  it("something unreadable: 200, published in its place", async () => {
    await publish("StorePath: nonsense");
    expect(await push(path.narinfo)).toBe(200);
    expect(await published()).toBe(path.narinfo);
    expect(gateway.log).toContainEqual(expect.objectContaining({ code: "narinfo-replaced" }));
  });

  it("something whose NAR is gone: 200, published in its place", async () => {
    const lost = await makeStorePath(HASH, { seed: 9 });
    await publish(lost.narinfo);
    expect(await push(path.narinfo)).toBe(200);
    expect(await published()).toBe(path.narinfo);
  });

  it("something that is stored compressed and cannot be read here: 200, it stays", async () => {
    await gateway.bucket.putObject(PREFIX + path.narinfoPath.slice(1), "zstd bytes", {
      "content-encoding": "zstd",
    });
    expect(await push(path.narinfo)).toBe(200);
    expect(await published()).toBe("zstd bytes");
  });

  it("the same: 200, nothing is written", async () => {
    await publish(path.narinfo);
    await gateway.bucket.clearRequests();
    expect(await push(path.narinfo)).toBe(200);
    expect(await gateway.bucket.countRequests({ method: "PUT" })).toBe(0);
  });

  it("the same contents under another URL, FileHash, Compression and Deriver: 200, the first stays", async () => {
    // The same NAR, as if another Nix had compressed it: to the cache, other bytes.
    const other = await makeStorePath(HASH, { seed: 9 });
    const fileHash = other.narPath.slice(5, 57);
    await gateway.bucket.putObject(`${PREFIX}nar/${fileHash}.nar.xz`, other.nar);
    const first = path.narinfo
      .replace(/^URL: .*$/m, `URL: nar/${fileHash}.nar.xz`)
      .replace(/^Compression: .*$/m, "Compression: xz")
      .replace(/^FileHash: .*$/m, `FileHash: sha256:${fileHash}`)
      .replace(/^References: .*$/m, "References: \nDeriver: unknown-deriver");
    await publish(first);
    expect(await push(path.narinfo + signature("later-1"))).toBe(200);
    expect(await published()).toBe(first + signature("later-1"));
  });

  it("the same with signatures of other keys: 200, they are added", async () => {
    await publish(path.narinfo + signature("a-1"));
    expect(await push(path.narinfo + signature("b-1") + signature("c-1"))).toBe(200);
    expect(await published()).toBe(
      path.narinfo + signature("a-1") + signature("b-1") + signature("c-1"),
    );
  });

  it("the same with another signature of the same key: 200, the first stays", async () => {
    await publish(path.narinfo + signature("a-1"));
    const other = `Sig: a-1:${btoa("z".repeat(64))}\n`;
    expect(await push(path.narinfo + other)).toBe(200);
    expect(await published()).toBe(path.narinfo + signature("a-1"));
  });

  it("the same with forty signatures: 200, 32 are kept", async () => {
    await publish(path.narinfo);
    const many = Array.from({ length: 40 }, (_, index) => signature(`k-${index}`));
    expect(await push(path.narinfo + many.join(""))).toBe(200);
    expect((await published())?.match(/^Sig: /gm)).toHaveLength(32);
  });

  it.each([
    { what: "NarHash", seed: 2, sizeBytes: 1000, references: [] },
    { what: "NarSize", seed: 2, sizeBytes: 1001, references: [] },
    { what: "References", seed: 1, sizeBytes: 1000, references: [`${"1".repeat(32)}-dependency`] },
  ])("another $what: 200 by default, the first stays and the log has both", async (options) => {
    const other = await makeStorePath(HASH, options);
    await gateway.push(other.narPath, other.nar);
    await publish(path.narinfo);
    expect(await push(other.narinfo)).toBe(200);
    expect(await published()).toBe(path.narinfo);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({
        code: "narinfo-conflict",
        published: expect.stringMatching(/^sha256:/),
        refused: expect.stringMatching(/^sha256:/),
        by: "tests",
      }),
    );
  });

  it("another NarHash, with ON_CONFLICT=refuse: 409, not reproducible", async () => {
    const strict = await startGateway({ ON_CONFLICT: "refuse" });
    const other = await makeStorePath(HASH, { seed: 2 });
    for (const { narPath, nar } of [path, other]) await strict.push(narPath, nar);
    await strict.push(path.narinfoPath, path.narinfo);
    const response = await strict.push(other.narinfoPath, other.narinfo);
    expect(response.status).toBe(409);
    expect(await response.text()).toContain("not reproducible");
    const stored = await strict.bucket.getObject(PREFIX + path.narinfoPath.slice(1));
    expect(stored?.text).toBe(path.narinfo);
  });
});
