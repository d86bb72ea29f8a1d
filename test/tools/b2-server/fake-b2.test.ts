import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  createFakeB2Client,
  type FakeB2Client,
  type FakeBucket,
} from "../../../testkit/fake-b2-client.ts";
import { startFakeB2Control, type FakeB2Control } from "../../../testkit/node/fake-b2-control.ts";
import { startFakeB2, type FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client } from "../../../testkit/node/s3-client.ts";

let fake: FakeB2;
let control: FakeB2Control;
let client: FakeB2Client;

beforeAll(async () => {
  fake = await startFakeB2();
  control = await startFakeB2Control(fake);
  client = createFakeB2Client(control.url);
});

afterAll(async () => {
  await control.close();
  await fake.close();
});

function s3(bucket: FakeBucket): S3Client {
  return createS3Client(fake, fake, bucket.name);
}

describe("createFakeB2Client", () => {
  it("puts objects that S3 gives back, and gets what S3 was given", async () => {
    const bucket = await client.createBucket();
    await bucket.putObject("a/ü +%", "hello", { "content-type": "text/x-test" });
    const got = await s3(bucket).send("GET", "a/ü +%");
    expect([got.text, got.headers.get("content-type")]).toEqual(["hello", "text/x-test"]);
    await s3(bucket).send("PUT", "b", { body: "bye", headers: { "cache-control": "public" } });
    expect(await bucket.getObject("b")).toMatchObject({
      text: "bye",
      headers: { "cache-control": "public" },
    });
    expect(await bucket.getObject("nope")).toBeUndefined();
    expect(await bucket.listKeys()).toEqual(["a/ü +%", "b"]);
    expect(await bucket.listKeys("b")).toEqual(["b"]);
  });

  it("keeps faults and requests of one bucket from another", async () => {
    const [mine, other] = [await client.createBucket(), await client.createBucket()];
    await mine.addFaults({ match: { operation: "GetObject" }, effect: { status: 503 } });
    expect((await s3(mine).send("GET", "a")).status).toBe(503);
    expect((await s3(other).send("GET", "a")).status).toBe(404);
    await mine.clearFaults();
    expect((await s3(mine).send("GET", "a")).status).toBe(404);
    expect((await mine.requests()).map((request) => request.status)).toEqual([503, 404]);
    expect(await mine.countRequests({ status: 404, operation: "GetObject" })).toBe(1);
    await mine.clearRequests();
    expect([await mine.countRequests(), await other.countRequests()]).toEqual([0, 1]);
  });

  it("slows one bucket down", async () => {
    const bucket = await client.createBucket();
    await bucket.setLatency(80);
    const started = performance.now();
    await s3(bucket).send("GET", "a");
    expect(performance.now() - started).toBeGreaterThan(70);
  });

  it("resets a bucket", async () => {
    const bucket = await client.createBucket();
    await bucket.putObject("a", "x");
    await bucket.addFaults({ effect: { status: 503 } });
    await bucket.reset();
    expect(await bucket.listKeys()).toEqual([]);
    expect((await s3(bucket).send("GET", "a")).status).toBe(404);
  });

  it("says what went wrong", async () => {
    await expect(client.bucket("nope").putObject("a", "x")).rejects.toThrow("404");
  });
});

describe("startFakeB2", () => {
  it("denies to the unlisted key what is missing", async () => {
    expect((await createS3Client(fake, fake.unlisted).send("GET", "nope")).status).toBe(403);
    expect((await createS3Client(fake, fake).send("GET", "nope")).status).toBe(404);
  });
});
