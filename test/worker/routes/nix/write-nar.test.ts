import { describe, expect, it } from "vitest";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH } from "../../../../testkit/workerd/prepared.ts";
import { makeBytes, makeStorePath } from "../../../../testkit/store-path.ts";

const MIB = 1024 * 1024;

describe("PUT of a NAR", () => {
  it.each([
    { what: "one byte", sizeBytes: 1 },
    { what: "exactly one buffer", sizeBytes: 8 * MIB },
    { what: "one byte more than a buffer", sizeBytes: 8 * MIB + 1 },
    { what: "three parts", sizeBytes: 20 * MIB },
  ])("stores $what as it came", async ({ sizeBytes }) => {
    const { bucket, push, request } = await startGateway();
    const path = await makeStorePath(HASH, { sizeBytes });
    expect((await push(path.narPath, path.nar)).status).toBe(200);
    const stored = await bucket.getObject(PREFIX + path.narPath.slice(1));
    expect(stored?.bytes.byteLength).toBe(sizeBytes);
    expect(stored?.headers["content-type"]).toBe("application/x-nix-nar");
    const back = await request(path.narPath);
    expect(await sameBytes(back, path.nar)).toBe(true);
  });

  it.each([1000, 8 * MIB + 1])(
    "stores nothing of %i bytes that are not those of its name",
    async (sizeBytes) => {
      const { bucket, push } = await startGateway();
      const path = await makeStorePath(HASH, { sizeBytes });
      const response = await push(path.narPath, makeBytes(sizeBytes, 2));
      expect(response.status).toBe(400);
      expect(await response.text()).toContain("Nothing was stored");
      expect(await bucket.listKeys()).toEqual([]);
    },
  );

  it.each([
    { what: "an upper-case hash", name: `nar/${"A".repeat(52)}.nar` },
    { what: "a hash in hex", name: `nar/${"0a".repeat(32)}.nar.xz` },
    { what: "another extension", name: `nar/${"0".repeat(52)}.nar.exe` },
    { what: "a folder below nar/", name: `nar/x/${"0".repeat(52)}.nar` },
    { what: "a name that is none of Nix's", name: "index.html" },
  ])("refuses $what", async ({ name }) => {
    const { bucket, push } = await startGateway();
    const response = await push(`/${name}`, "x");
    expect(response.status).toBe(400);
    expect(await bucket.countRequests()).toBe(0);
  });

  it("refuses an encoded body, and says which parameter to drop", async () => {
    const { push } = await startGateway();
    const path = await makeStorePath(HASH);
    for (const name of [path.narPath, path.narinfoPath]) {
      const response = await push(name, "x", { "content-encoding": "gzip" });
      expect(response.status).toBe(415);
      expect(await response.text()).toContain("narinfo-compression");
    }
  });

  it.each([{ length: "" }, { length: "-1" }, { length: "1e3" }])(
    "answers 411 to a Content-Length of '$length'",
    async ({ length }) => {
      const { push } = await startGateway();
      const path = await makeStorePath(HASH);
      expect((await push(path.narPath, path.nar, { "content-length": length })).status).toBe(411);
    },
  );

  it("stores nothing of a body that ends before its length", async () => {
    const { bucket, push } = await startGateway();
    const path = await makeStorePath(HASH);
    const response = await push(path.narPath, path.nar, { "content-length": "2000" });
    expect(response.status).toBe(400);
    expect(await bucket.listKeys()).toEqual([]);
  });
});

async function sameBytes(response: Response, expected: Uint8Array): Promise<boolean> {
  const bytes = new Uint8Array(await response.arrayBuffer());
  return (
    bytes.byteLength === expected.byteLength &&
    bytes.every((byte, index) => byte === expected[index])
  );
}
