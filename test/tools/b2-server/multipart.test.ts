import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFakeB2, type FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client, type S3Reply } from "../../../testkit/node/s3-client.ts";

const MIN_PART_BYTES = 5 * 1024 * 1024;

let fake: FakeB2;
let s3: S3Client;

beforeAll(async () => {
  fake = await startFakeB2();
  s3 = createS3Client(fake, fake);
});

afterAll(async () => fake.close());

async function create(key: string, headers: Record<string, string> = {}): Promise<string> {
  const reply = await s3.send("POST", key, { query: "?uploads", headers });
  expect(reply.status).toBe(200);
  return reply.element("UploadId") ?? "";
}

async function upload(
  key: string,
  id: string,
  number: number,
  body: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const query = `?partNumber=${number}&uploadId=${id}`;
  const reply = await s3.send("PUT", key, { query, body });
  expect(reply.status).toBe(200);
  return reply.headers.get("etag") ?? "";
}

async function complete(
  key: string,
  id: string,
  parts: readonly (readonly [number: number, etag: string])[],
  headers: Record<string, string> = {},
): Promise<S3Reply> {
  const listed = parts.map(
    ([number, etag]) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`,
  );
  const body = `<CompleteMultipartUpload>${listed.join("")}</CompleteMultipartUpload>`;
  return s3.send("POST", key, { query: `?uploadId=${id}`, body, headers });
}

function bytes(length: number, fill: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(fill);
}

function md5(data: Uint8Array): Buffer {
  return createHash("md5").update(data).digest();
}

describe("a multipart upload", () => {
  it("becomes one object with the parts' tag and the first request's headers", async () => {
    const id = await create("joined", { "content-type": "application/x-nix-nar" });
    const [first, second] = [bytes(MIN_PART_BYTES, 1), bytes(3, 2)];
    const etag2 = await upload("joined", id, 7, second);
    const etag1 = await upload("joined", id, 2, first);
    expect((await s3.send("GET", "joined")).status).toBe(404);
    const reply = await complete("joined", id, [
      [2, etag1],
      [7, etag2.replaceAll('"', "&quot;")],
    ]);
    const tag = md5(Buffer.concat([md5(first), md5(second)])).toString("hex");
    expect([reply.status, reply.element("ETag")]).toEqual([200, `&quot;${tag}-2&quot;`]);
    const head = await s3.send("HEAD", "joined");
    expect(head.headers.get("etag")).toBe(`"${tag}-2"`);
    expect(head.headers.get("content-length")).toBe(String(MIN_PART_BYTES + 3));
    expect(head.headers.get("content-type")).toBe("application/x-nix-nar");
    const seam = { range: `bytes=${MIN_PART_BYTES - 1}-` };
    const { url, headers } = await s3.sign("GET", "joined", { headers: seam });
    const tail = await fetch(url, { headers });
    expect([...new Uint8Array(await tail.arrayBuffer())]).toEqual([1, 2, 2, 2]);
  });

  it("takes a single short part", async () => {
    const id = await create("single");
    const etag = await upload("single", id, 1, bytes(1, 0));
    expect((await complete("single", id, [[1, etag]])).status).toBe(200);
  });

  it("takes the last of two uploads of one part", async () => {
    const id = await create("again");
    const stale = await upload("again", id, 1, bytes(2, 1));
    const etag = await upload("again", id, 1, bytes(2, 2));
    expect((await complete("again", id, [[1, stale]])).element("Code")).toBe("InvalidPart");
    expect((await complete("again", id, [[1, etag]])).status).toBe(200);
    expect((await s3.send("GET", "again")).text).toBe("\u0002\u0002");
  });

  it("refuses what does not fit, and stays open", async () => {
    const id = await create("refused");
    const small = await upload("refused", id, 1, bytes(10, 1));
    const other = await upload("refused", id, 2, bytes(10, 2));
    const codeOf = async (parts: [number, string][], headers = {}): Promise<string | undefined> =>
      (await complete("refused", id, parts, headers)).element("Code");
    expect(
      await codeOf([
        [1, small],
        [2, other],
      ]),
    ).toBe("EntityTooSmall");
    expect(
      await codeOf([
        [2, other],
        [1, small],
      ]),
    ).toBe("InvalidPartOrder");
    expect(
      await codeOf([
        [1, small],
        [1, small],
      ]),
    ).toBe("InvalidPartOrder");
    expect(await codeOf([[3, small]])).toBe("InvalidPart");
    expect(await codeOf([[1, other]])).toBe("InvalidPart");
    expect(await codeOf([])).toBe("MalformedXML");
    expect(await codeOf([[1, small]], { "if-none-match": "*" })).toBe("NotImplemented");
    expect((await complete("refused", id, [[1, small]])).status).toBe(200);
  });

  it("ends once, when completed by two at a time", async () => {
    const id = await create("twice");
    const etag = await upload("twice", id, 1, bytes(10, 1));
    const replies = await Promise.all([1, 2].map(async () => complete("twice", id, [[1, etag]])));
    expect(replies.map((reply) => reply.status).toSorted()).toEqual([200, 404]);
    expect((await complete("twice", id, [[1, etag]])).element("Code")).toBe("NoSuchUpload");
    const versions = await s3.send("GET", "", { query: "?versions&prefix=twice" });
    expect(versions.elements("Version")).toHaveLength(1);
  });

  it("is gone when aborted", async () => {
    const id = await create("aborted");
    const query = `?uploadId=${id}`;
    expect((await s3.send("DELETE", "aborted", { query })).status).toBe(204);
    const again = await s3.send("DELETE", "aborted", { query });
    expect([again.status, again.element("Code")]).toEqual([404, "NoSuchUpload"]);
    const part = await s3.send("PUT", "aborted", { query: `${query}&partNumber=1`, body: "x" });
    expect(part.element("Code")).toBe("NoSuchUpload");
  });

  it("belongs to its key", async () => {
    const id = await create("mine");
    const part = await s3.send("PUT", "yours", {
      query: `?uploadId=${id}&partNumber=1`,
      body: "x",
    });
    expect(part.element("Code")).toBe("NoSuchUpload");
  });

  it.each(["0", "10001", "x", "1.5"])("refuses part number %s", async (number) => {
    const id = await create("numbers");
    const query = `?uploadId=${id}&partNumber=${number}`;
    const reply = await s3.send("PUT", "numbers", { query, body: "x" });
    expect([reply.status, reply.element("Code")]).toEqual([400, "InvalidArgument"]);
  });
});

describe("ListParts and ListMultipartUploads", () => {
  it("pages through parts in order", async () => {
    const id = await create("listed");
    for (const number of [3, 1, 2]) await upload("listed", id, number, bytes(number, 0));
    const query = `?uploadId=${id}&max-parts=2`;
    const first = await s3.send("GET", "listed", { query });
    expect(first.elements("PartNumber")).toEqual(["1", "2"]);
    expect([first.element("IsTruncated"), first.elements("Size")]).toEqual(["true", ["1", "2"]]);
    const marker = first.element("NextPartNumberMarker");
    const rest = await s3.send("GET", "listed", { query: `${query}&part-number-marker=${marker}` });
    expect([rest.elements("PartNumber"), rest.element("IsTruncated")]).toEqual([["3"], "false"]);
  });

  it("pages through uploads by key and age", async () => {
    const ids = [];
    for (const key of ["up/b", "up/a", "up/a"]) ids.push(await create(key));
    const expected = [ids[1], ids[2], ids[0]];
    const seen = [];
    let markers: string | undefined = "";
    while (markers !== undefined) {
      const query = `?uploads&prefix=up/&max-uploads=1${markers}`;
      const page = await s3.send("GET", "", { query });
      seen.push(...page.elements("UploadId"));
      const key = page.element("NextKeyMarker");
      const id = page.element("NextUploadIdMarker");
      markers = key === undefined ? undefined : `&key-marker=${key}&upload-id-marker=${id}`;
    }
    expect(seen).toEqual(expected);
  });
});

describe("copies", () => {
  it("copies bytes, tag and headers", async () => {
    const headers = { "content-type": "text/x-nix-narinfo" };
    const put = await s3.send("PUT", "from+ü", { body: "hello", headers });
    const source = `/${fake.bucket}/${encodeURIComponent("from+ü")}`;
    const reply = await s3.send("PUT", "to", { headers: { "x-amz-copy-source": source } });
    const etag = put.headers.get("etag");
    expect([reply.status, reply.element("ETag")]).toEqual([200, etag?.replaceAll('"', "&quot;")]);
    await s3.send("DELETE", "from+ü", {
      query: `?versionId=${put.headers.get("x-amz-version-id")}`,
    });
    const get = await s3.send("GET", "to");
    expect([get.text, get.headers.get("etag")]).toEqual(["hello", etag]);
    expect(get.headers.get("content-type")).toBe("text/x-nix-narinfo");
  });

  it("replaces headers when told to", async () => {
    await s3.send("PUT", "from", { body: "hello", headers: { "content-type": "a/b" } });
    const headers = {
      "x-amz-copy-source": `${fake.bucket}/from`,
      "x-amz-metadata-directive": "REPLACE",
      "content-type": "c/d",
    };
    await s3.send("PUT", "to", { headers });
    expect((await s3.send("HEAD", "to")).headers.get("content-type")).toBe("c/d");
  });

  it.each([
    {
      what: "another tag",
      headers: { "x-amz-copy-source-if-match": '"0"' },
      status: 412,
      code: "PreconditionFailed",
    },
    {
      what: "a conditional write",
      headers: { "if-none-match": "*" },
      status: 501,
      code: "NotImplemented",
    },
    {
      what: "a missing source",
      headers: { "x-amz-copy-source": "ai-dev-env/nope" },
      status: 404,
      code: "NoSuchKey",
    },
    {
      what: "another bucket",
      headers: { "x-amz-copy-source": "nope/from" },
      status: 404,
      code: "NoSuchBucket",
    },
    {
      what: "no key",
      headers: { "x-amz-copy-source": "ai-dev-env" },
      status: 400,
      code: "InvalidArgument",
    },
  ])("refuses $what", async ({ headers, status, code }) => {
    await s3.send("PUT", "from", { body: "hello" });
    const all = { "x-amz-copy-source": `${fake.bucket}/from`, ...headers };
    const reply = await s3.send("PUT", "refused-copy", { headers: all });
    expect([reply.status, reply.element("Code")]).toEqual([status, code]);
    expect((await s3.send("GET", "refused-copy")).status).toBe(404);
  });

  it("copies ranges into parts", async () => {
    const put = await s3.send("PUT", "whole", { body: "abcdefghij" });
    const id = await create("parts");
    const query = `?partNumber=1&uploadId=${id}`;
    const headers = {
      "x-amz-copy-source": `${fake.bucket}/whole`,
      "x-amz-copy-source-range": "bytes=2-4",
      "x-amz-copy-source-if-match": put.headers.get("etag") ?? "",
    };
    const reply = await s3.send("PUT", "parts", { query, headers });
    const etag = reply.element("ETag")?.replaceAll("&quot;", '"') ?? "";
    expect(etag).toBe(`"${md5(Buffer.from("cde")).toString("hex")}"`);
    const past = { ...headers, "x-amz-copy-source-range": "bytes=2-10" };
    const refused = await s3.send("PUT", "parts", { query, headers: past });
    expect(refused.element("Code")).toBe("InvalidArgument");
    await complete("parts", id, [[1, etag]]);
    expect((await s3.send("GET", "parts")).text).toBe("cde");
  });
});

describe("the lifecycle configuration", () => {
  it("is given back as it was put", async () => {
    const query = "?lifecycle";
    const missing = await s3.send("GET", "", { query });
    expect([missing.status, missing.element("Code")]).toEqual([
      404,
      "NoSuchLifecycleConfiguration",
    ]);
    const body = "<LifecycleConfiguration>\n<Rule><ID>a</ID></Rule>\n</LifecycleConfiguration>";
    expect((await s3.send("PUT", "", { query, body })).status).toBe(200);
    expect((await s3.send("GET", "", { query })).text).toBe(body);
    expect((await s3.send("PUT", "", { query, body: "<a/>" })).element("Code")).toBe(
      "MalformedXML",
    );
  });
});
