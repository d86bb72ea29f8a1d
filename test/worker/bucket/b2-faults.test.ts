import { describe, expect, it } from "vitest";
import type { FaultEffect } from "../../../tools/b2-server/fault-injector.ts";
import { B2_PREFIX, openB2, pathOf } from "../../../testkit/workerd/b2.ts";
import { readable } from "../../../testkit/workerd/small-object.ts";
import { rejectionOf } from "../../../testkit/workerd/rejection.ts";

const PATH = pathOf("nar/05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56.nar.xz");
// Its name begins with the other's, as a prefix would match.
const LONGER = `${B2_PREFIX}${PATH}.old`;

const CAP: FaultEffect = {
  status: 403,
  message:
    "Cannot download file, download bandwidth or transaction (Class B) cap exceeded. See the Caps & Alerts page to increase your cap.",
};

describe("a missing object", () => {
  it.each(["get", "head"] as const)("is undefined by %s, after one request", async (method) => {
    const { bucket, fake } = await openB2();
    expect(await bucket[method](PATH)).toBeUndefined();
    expect(await fake.countRequests()).toBe(1);
  });

  it.each<{ what: string; effect: FaultEffect }>([
    { what: "a page of some other server", effect: { status: 404, html: true } },
    { what: "a 404 without a body", effect: { status: 404, bodyless: true } },
    { what: "another code", effect: { status: 404, code: "NoSuchUpload" } },
  ])("is not proved by $what (law 5)", async ({ effect }) => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect });
    expect(await rejectionOf(bucket.get(PATH))).toMatchObject({ code: "misconfigured" });
  });

  it("is not proved to a HEAD by a page of some other server (law 5)", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect: { status: 404, html: true } });
    expect(await rejectionOf(bucket.head(PATH))).toMatchObject({ code: "misconfigured" });
  });

  it.each(["get", "head"] as const)("is not proved to %s by a missing bucket", async (method) => {
    const { bucket } = await openB2({ config: { bucket: "no-such-bucket" }, isUnseen: true });
    const error = await rejectionOf(bucket[method](PATH));
    expect(error.code).toBe("misconfigured");
    expect(error.message).toContain("NoSuchBucket");
  });

  it("is proved to a HEAD by a listing, once, where the bucket was not seen lately", async () => {
    const { bucket, fake } = await openB2({ isUnseen: true });
    expect(await bucket.head(PATH)).toBeUndefined();
    expect(await fake.countRequests()).toBe(2);
    expect(await bucket.head(PATH)).toBeUndefined();
    expect(await fake.countRequests()).toBe(3);
  });
});

describe("a clock that is wrong", () => {
  it.each([
    { what: "ahead", minutes: 20 },
    { what: "behind", minutes: -20 },
  ])("$what by 20 minutes is a misconfiguration, never an absence (law 5)", async ({ minutes }) => {
    const { bucket, fake } = await openB2({ clockAheadMilliseconds: minutes * 60_000 });
    await fake.putObject(B2_PREFIX + PATH, "nar");
    const error = await rejectionOf(bucket.get(PATH));
    expect(error).toMatchObject({ code: "misconfigured" });
    expect(error.message).toContain("RequestTimeTooSkewed");
  });
});

describe("a name too long for S3", () => {
  const longest = `nar/${"n".repeat(255)}/${"n".repeat(255)}/${"n".repeat(255)}/`;
  const pathOfLength = (length: number) => pathOf(longest.padEnd(length, "n"));

  it("is absent, without a request that could only be answered 400", async () => {
    const { bucket, fake } = await openB2();
    const path = pathOfLength(1024 - B2_PREFIX.length + 1);
    expect(await bucket.get(path)).toBeUndefined();
    expect(await bucket.head(path)).toBeUndefined();
    expect(await fake.countRequests()).toBe(0);
  });

  it("is asked for, if it just fits", async () => {
    const { bucket, fake } = await openB2();
    const path = pathOfLength(1024 - B2_PREFIX.length);
    await fake.putObject(B2_PREFIX + path, "nar");
    expect(await bucket.head(path)).toMatchObject({ sizeBytes: 3 });
  });
});

describe("a 403", () => {
  it("is a cap where the object is listed and the answer says so", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "nar");
    await fake.addFaults({ match: { operation: "GetObject" }, effect: CAP });
    expect(await rejectionOf(bucket.get(PATH))).toMatchObject({
      code: "bucket-cap-exceeded",
      retryAfterSeconds: 600,
    });
  });

  it("is an unavailable bucket where the object is listed and a HEAD says nothing", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "nar");
    await fake.addFaults({
      match: { operation: "HeadObject" },
      effect: { status: 403, bodyless: true },
    });
    expect(await rejectionOf(bucket.head(PATH))).toMatchObject({
      code: "bucket-unavailable",
      retryAfterSeconds: 30,
    });
  });

  it.each<{ what: string; effect: FaultEffect }>([
    { what: "a cap", effect: CAP },
    { what: "no words", effect: { status: 403, bodyless: true } },
  ])("is an absence where the object is not listed: $what", async ({ effect }) => {
    const { bucket, fake } = await openB2();
    await fake.putObject(LONGER, "another");
    await fake.addFaults({ match: { key: B2_PREFIX + PATH }, effect });
    expect(await bucket.get(PATH)).toBeUndefined();
    expect(await bucket.head(PATH)).toBeUndefined();
  });

  it("asks for no more than the one name", async () => {
    const { bucket, fake, sent } = await openB2();
    await fake.addFaults({ match: { operation: "GetObject" }, effect: CAP });
    await bucket.get(PATH);
    expect(sent.at(-1)?.query).toEqual({
      "list-type": "2",
      prefix: B2_PREFIX + PATH,
      "max-keys": "1",
    });
  });

  it("of a missing object to a key without listFiles names what the key lacks", async () => {
    const { bucket } = await openB2({ unlisted: true });
    for (const error of [
      await rejectionOf(bucket.get(PATH)),
      await rejectionOf(bucket.head(PATH)),
    ]) {
      expect(error.code).toBe("misconfigured");
      expect(error.message).toContain("the application key lacks listFiles");
    }
  });

  it("does not keep a key without listFiles from reading what is there", async () => {
    const { bucket, fake } = await openB2({ unlisted: true });
    await fake.putObject(B2_PREFIX + PATH, "nar");
    expect(await bucket.head(PATH)).toMatchObject({ sizeBytes: 3 });
  });

  it.each([
    { what: "a wrong application key", config: { applicationKey: "wrong" } },
    { what: "a key ID that is not known", config: { keyId: "unknown" } },
  ])("is a misconfiguration for $what", async ({ config }) => {
    const { bucket } = await openB2({ config });
    expect(await rejectionOf(bucket.get(PATH))).toMatchObject({ code: "misconfigured" });
    expect(await rejectionOf(bucket.head(PATH))).toMatchObject({ code: "misconfigured" });
  });
});

describe("a bucket in trouble", () => {
  it.each<{ what: string; effect: FaultEffect }>([
    { what: "SlowDown", effect: { status: 503 } },
    { what: "too many requests", effect: { status: 429 } },
    { what: "an internal error", effect: { status: 500 } },
    { what: "no tomes", effect: { code: "ServiceUnavailable" } },
    { what: "a page of a proxy", effect: { status: 502, html: true } },
    { what: "dropped connections", effect: { dropConnection: "before" } },
  ])("is unavailable and nothing is absent: $what", async ({ effect }) => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect });
    for (const ask of [
      () => bucket.get(PATH),
      () => bucket.read(PATH, 100),
      () => bucket.head(PATH),
    ]) {
      expect(await rejectionOf(ask())).toMatchObject({
        code: "bucket-unavailable",
        retryAfterSeconds: 5,
      });
    }
    expect(await fake.countRequests()).toBe(12);
  });

  it("is sent a PUT once where the caller must look before the next one", async () => {
    const { bucket, fake } = await openB2();
    await fake.addFaults({ effect: { status: 503 }, count: 1 });
    const put = bucket.put(PATH, new Uint8Array(3), { contentType: "text/plain", once: true });
    expect(await rejectionOf(put)).toMatchObject({ code: "bucket-unavailable" });
    expect(await fake.countRequests()).toBe(1);
  });

  it("answers where it recovers in time", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "nar");
    await fake.addFaults({ effect: { status: 503 }, count: 3 });
    expect(await bucket.head(PATH)).toMatchObject({ sizeBytes: 3 });
  });

  it("fails a body that breaks off, rather than to end it", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "0123456789");
    await fake.addFaults({ effect: { cutAfterBytes: 4 } });
    const stored = await bucket.get(PATH);
    await expect(new Response(stored?.body).text()).rejects.toThrow("Network connection lost.");
  });

  it("is asked again for a small object that comes short, and gives it whole or not at all", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "0123456789");
    await fake.addFaults({ effect: { cutAfterBytes: 4 }, count: 3 });
    const stored = readable(await bucket.read(PATH, 10));
    expect(new TextDecoder().decode(stored?.bytes)).toBe("0123456789");
    expect(await fake.countRequests()).toBe(4);
    await fake.addFaults({ effect: { cutAfterBytes: 4 } });
    expect(await rejectionOf(bucket.read(PATH, 10))).toMatchObject({ code: "bucket-unavailable" });
    expect(await fake.countRequests()).toBe(8);
  });

  it("shows a small object that goes away between two reads as absent", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "0123456789");
    await fake.addFaults(
      { effect: { cutAfterBytes: 4 }, count: 1 },
      { effect: { code: "NoSuchKey" }, count: 1 },
    );
    expect(await bucket.read(PATH, 10)).toBeUndefined();
    expect(await fake.countRequests()).toBe(2);
  });

  it.each([
    { what: "a page with status 200", effect: { html: true, status: 200 } },
    {
      what: "an error of S3 with status 200",
      effect: { code: "InternalError", status: 200 },
    },
    {
      what: "nothing with status 200",
      effect: { bodyless: true, status: 200, headers: { "content-length": "0" } },
    },
    {
      what: "a part that nobody asked for",
      effect: {
        bodyless: true,
        status: 206,
        headers: { "content-range": "bytes 0-0/10", etag: '"x"' },
      },
    },
  ])("is not taken for an object: $what", async ({ effect }) => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "0123456789");
    await fake.addFaults({ effect });
    const asks = [
      () => bucket.get(PATH),
      () => bucket.read(PATH, 100),
      ...(effect.status === 200 ? [() => bucket.head(PATH)] : []),
    ];
    for (const ask of asks) {
      expect(await rejectionOf(ask())).toMatchObject({ code: "bucket-unavailable" });
    }
  });

  it("is not trusted with a 206 that does not say which part it is", async () => {
    const { bucket, fake } = await openB2();
    await fake.putObject(B2_PREFIX + PATH, "0123456789");
    await fake.addFaults({ effect: { headers: { "content-range": "bytes 0-3/*" } } });
    expect(await rejectionOf(bucket.get(PATH, { first: 0, last: 3 }))).toMatchObject({
      code: "bucket-unavailable",
    });
  });
});
