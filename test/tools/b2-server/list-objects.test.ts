import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFakeB2, type FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client, type S3Reply } from "../../../testkit/node/s3-client.ts";

const KEYS = ["a", "a/1", "a/2", "a/b/3", "b", "é", "\uff01", "\u{1f600}", "z&<>", "z z"];

let fake: FakeB2;
let s3: S3Client;

beforeAll(async () => {
  fake = await startFakeB2();
  s3 = createS3Client(fake, fake);
  for (const key of KEYS) await s3.send("PUT", key, { body: key });
  await s3.send("PUT", "hidden", { body: "x" });
  await s3.send("DELETE", "hidden");
});

afterAll(async () => fake.close());

async function list(query: Readonly<Record<string, string>>): Promise<S3Reply> {
  const reply = await s3.send("GET", "", {
    query: `?${new URLSearchParams({ "list-type": "2", ...query }).toString()}`,
  });
  expect(reply.status).toBe(200);
  return reply;
}

async function listAll(
  query: Readonly<Record<string, string>>,
): Promise<{ keys: string[]; prefixes: string[]; pages: number }> {
  const all: { keys: string[]; prefixes: string[]; pages: number } = {
    keys: [],
    prefixes: [],
    pages: 0,
  };
  let token: string | undefined;
  do {
    const page = await list(
      token === undefined ? query : { ...query, "continuation-token": token },
    );
    const prefixes = page.elements("CommonPrefixes").map((text) => text.replaceAll(/<.*?>/g, ""));
    const keys = page.elements("Key");
    expect(page.element("KeyCount")).toBe(String(keys.length + prefixes.length));
    all.keys.push(...keys);
    all.prefixes.push(...prefixes);
    all.pages += 1;
    token = page.element("NextContinuationToken");
    expect(page.element("IsTruncated")).toBe(String(token !== undefined));
  } while (token !== undefined);
  return all;
}

function byUtf8(keys: readonly string[]): string[] {
  return keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

async function* noBytes(): AsyncGenerator<Uint8Array> {}

describe("ListObjectsV2", () => {
  it("lists what is visible, in UTF-8 order, escaped", async () => {
    const expected = byUtf8(KEYS).map((key) => key.replace("&<>", "&amp;&lt;&gt;"));
    expect((await listAll({})).keys).toEqual(expected);
  });

  it.each(["1", "2", "3", "10"])("lists everything once, %s at a time", async (maxKeys) => {
    const whole = await listAll({});
    const paged = await listAll({ "max-keys": maxKeys });
    expect(paged.keys).toEqual(whole.keys);
    expect(paged.pages).toBe(Math.ceil(KEYS.length / Number(maxKeys)));
  });

  it.each([
    { prefix: "", delimiter: "/", keys: 7, prefixes: ["a/"] },
    { prefix: "a/", delimiter: "/", keys: 2, prefixes: ["a/b/"] },
    { prefix: "a", delimiter: "/", keys: 1, prefixes: ["a/"] },
    { prefix: "a/", delimiter: "", keys: 3, prefixes: [] },
    { prefix: "nope", delimiter: "/", keys: 0, prefixes: [] },
    { prefix: "", delimiter: "z", keys: 8, prefixes: ["z"] },
  ])("rolls up under $prefix at $delimiter", async ({ prefix, delimiter, keys, prefixes }) => {
    const whole = await listAll({ prefix, delimiter });
    expect([whole.keys.length, whole.prefixes]).toEqual([keys, prefixes]);
    const paged = await listAll({ prefix, delimiter, "max-keys": "1" });
    expect({ ...paged, pages: 0 }).toEqual({ ...whole, pages: 0 });
  });

  it("starts after a key, there or not", async () => {
    expect((await listAll({ "start-after": "a/2", prefix: "a" })).keys).toEqual(["a/b/3"]);
    expect((await listAll({ "start-after": "a/1x", prefix: "a/" })).keys).toEqual(["a/2", "a/b/3"]);
  });

  it("describes each object", async () => {
    const [contents] = (await list({ prefix: "b" })).elements("Contents");
    const head = await s3.send("HEAD", "b");
    const etag = head.headers.get("etag")?.replaceAll('"', "&quot;");
    expect(contents).toContain(`<ETag>${etag}</ETag><Size>1</Size>`);
    expect(contents).toMatch(
      /<LastModified>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z<\/LastModified>/,
    );
  });

  it("encodes names on request", async () => {
    const reply = await list({ prefix: "z", "encoding-type": "url" });
    expect(reply.elements("Key")).toEqual(["z%20z", "z%26%3C%3E"]);
  });

  it("is empty for max-keys=0", async () => {
    const reply = await list({ "max-keys": "0" });
    expect([reply.element("KeyCount"), reply.element("IsTruncated")]).toEqual(["0", "false"]);
  });

  it.each(["max-keys=-1", "max-keys=x", "continuation-token=x", "encoding-type=x"])(
    "refuses %s",
    async (parameter) => {
      const reply = await s3.send("GET", "", { query: `?list-type=2&${parameter}` });
      expect([reply.status, reply.element("Code")]).toEqual([400, "InvalidArgument"]);
    },
  );

  it("shows at most 1,000 at once", async () => {
    const bucket = await fake.server.store.openBucket("thousands");
    for (let index = 0; index < 1001; index += 1) await bucket.hideObject(`hidden-${index}`);
    for (let index = 0; index < 1001; index += 1)
      await bucket.putObject(`k${index}`, {}, noBytes());
    const client = createS3Client(fake, fake, "thousands");
    const reply = await client.send("GET", "", { query: "?list-type=2&max-keys=5000" });
    expect([reply.element("KeyCount"), reply.element("MaxKeys")]).toEqual(["1000", "1000"]);
    expect(reply.element("IsTruncated")).toBe("true");
  });
});
