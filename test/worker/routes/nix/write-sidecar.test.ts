import { describe, expect, it } from "vitest";
import { PREFIX, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";

describe("PUT of what lies beside a store path", () => {
  it("writes a listing until the path is published, and keeps it then", async () => {
    const { bucket, push, path } = await startFilledGateway();
    const name = `/${OTHER_HASH}.ls`;
    await push(name, "first");
    await push(name, "second");
    expect((await bucket.getObject(PREFIX + name.slice(1)))?.text).toBe("second");
    const published = `/${HASH}.ls`;
    expect((await push(published, "first")).status).toBe(200);
    expect((await push(published, "second")).status).toBe(200);
    expect((await bucket.getObject(PREFIX + published.slice(1)))?.text).toBe("first");
    expect(path.hash).toBe(HASH);
  });

  it("stores the last of two logs, an empty one too, with its encoding", async () => {
    const { bucket, push, request } = await startGateway();
    const name = `/log/${HASH}-x.drv`;
    await push(name, null);
    expect((await request(name)).status).toBe(200);
    await push(name, "zstd bytes", { "content-encoding": "zstd" });
    const stored = await bucket.getObject(PREFIX + name.slice(1));
    expect(stored?.text).toBe("zstd bytes");
    expect(stored?.headers["content-encoding"]).toBe("zstd");
    expect((await request(name)).headers.get("content-encoding")).toBe("zstd");
  });

  it("refuses an encoding that Nix does not have", async () => {
    const { push } = await startGateway();
    const response = await push(`/log/${HASH}-x.drv`, "x", { "content-encoding": "compress" });
    expect(response.status).toBe(415);
  });

  it("keeps the first of two realisations and adds signatures to it", async () => {
    const { bucket, push } = await startGateway();
    const id = `sha256:${"0a".repeat(32)}!out`;
    const name = `/realisations/${id}.doi`;
    const make = (outPath: string, signatures: string[]) =>
      JSON.stringify({ dependentRealisations: {}, id, outPath, signatures });
    const [first, second] = ["a-1", "b-1"].map((key) => `${key}:${btoa("x".repeat(64))}`) as [
      string,
      string,
    ];
    await push(name, make(`${HASH}-x`, [first]));
    await push(name, make(`${HASH}-x`, [second]));
    expect((await push(name, make(`${OTHER_HASH}-x`, []))).status).toBe(200);
    const stored = await bucket.getObject(PREFIX + name.slice(1));
    expect(stored?.text).toBe(make(`${HASH}-x`, [first, second]));
    expect((await push(name, "{}")).status).toBe(400);
  });

  it("accepts a nix-cache-info of the same store, and refuses another's", async () => {
    const { bucket, push } = await startGateway();
    expect((await push("/nix-cache-info", "StoreDir: /nix/store\n")).status).toBe(200);
    expect(await bucket.listKeys()).toEqual([`${PREFIX}nix-cache-info`]);
    expect((await push("/nix-cache-info", "StoreDir: /gnu/store\n")).status).toBe(409);
  });
});

describe("the first publication", () => {
  it("leaves a nix-cache-info in the bucket, and never replaces one", async () => {
    const { bucket, push } = await startGateway();
    await bucket.putObject(`${PREFIX}nix-cache-info`, "StoreDir: /nix/store\n");
    const path = await makeStorePath(HASH);
    await push(path.narPath, path.nar);
    await push(path.narinfoPath, path.narinfo);
    const stored = await bucket.getObject(`${PREFIX}nix-cache-info`);
    expect(stored?.text).toBe("StoreDir: /nix/store\n");
  });
});
