import { exports } from "cloudflare:workers";
import { describe, expect, inject, it } from "vitest";
import { createFakeB2Client } from "../../testkit/fake-b2-client.ts";
import { PREFIX } from "../../testkit/workerd/gateway.ts";
import { makeStorePath } from "../../testkit/store-path.ts";

const worker = (exports as unknown as { default: Fetcher }).default;

// As wrangler.toml configures it, with the fake B2 in the place of the real one.
const bucket = createFakeB2Client(inject("fakeB2").controlUrl).bucket("ai-dev-env");

describe("the deployed worker", () => {
  it("reads through its cached entrypoint, and tells what that cost", async () => {
    const path = await makeStorePath("0123456789abcdfghijklmnpqrsvwxyz");
    await bucket.putObject(PREFIX + path.narinfoPath.slice(1), path.narinfo);
    await bucket.putObject(PREFIX + path.narPath.slice(1), path.nar);
    const narinfo = await worker.fetch(`https://cache.example.org${path.narinfoPath}`);
    expect(await narinfo.text()).toBe(path.narinfo);
    // Workers Cache does not run here, so the inner entrypoint is always asked.
    expect(narinfo.headers.get("server-timing")).toMatch(
      /^edge;desc="miss", bucket;dur=[\d.]+;desc="1"$/,
    );
    expect([...narinfo.headers.keys()].filter((name) => name.startsWith("nargate-"))).toEqual([]);
    const nar = await worker.fetch(`https://cache.example.org${path.narPath}`);
    expect((await nar.arrayBuffer()).byteLength).toBe(path.nar.byteLength);
    const part = await worker.fetch(`https://cache.example.org${path.narPath}`, {
      headers: { range: "bytes=10-19" },
    });
    expect(part.status).toBe(206);
    expect(new Uint8Array(await part.arrayBuffer())).toEqual(path.nar.subarray(10, 20));
  });

  it("answers what is absent, and hides what fails, through it", async () => {
    const absent = await worker.fetch(`https://cache.example.org/${"1".repeat(32)}.narinfo`);
    expect(absent.status).toBe(404);
    await absent.body?.cancel();
    const name = "2".repeat(32);
    await bucket.addFaults({ match: { key: `${PREFIX}${name}.narinfo` }, effect: { status: 503 } });
    const failed = await worker.fetch(`https://cache.example.org/${name}.narinfo`);
    expect(failed.status).toBe(503);
    expect(failed.headers.get("retry-after")).toMatch(/^\d+$/);
    expect(await failed.text()).toContain("The bucket behind this cache");
  });
});
