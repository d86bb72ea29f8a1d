import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startFakeB2, type FakeB2 } from "../../../testkit/node/fake-b2.ts";
import { createS3Client, type S3Client } from "../../../testkit/node/s3-client.ts";

let fake: FakeB2;
let s3: S3Client;

beforeEach(async () => {
  fake = await startFakeB2();
  s3 = createS3Client(fake, fake);
});

afterEach(async () => fake.close());

async function put(key: string, body: string): Promise<string> {
  const reply = await s3.send("PUT", key, { body });
  return reply.headers.get("x-amz-version-id") ?? "";
}

async function listPaged(query: string, maxKeys: number): Promise<string[]> {
  const seen: string[] = [];
  let marker: string | undefined = "";
  while (marker !== undefined) {
    const page = await s3.send("GET", "", {
      query: `?versions&max-keys=${maxKeys}${query}${marker}`,
    });
    seen.push(...page.elements("VersionId"), ...page.elements("CommonPrefixes"));
    const [key, version] = [page.element("NextKeyMarker"), page.element("NextVersionIdMarker")];
    const versionMarker = version === undefined ? "" : `&version-id-marker=${version}`;
    marker =
      key === undefined ? undefined : `&key-marker=${encodeURIComponent(key)}${versionMarker}`;
  }
  return seen.toSorted();
}

async function deleteObjects(inner: string): ReturnType<S3Client["send"]> {
  const body = `<?xml version="1.0" encoding="UTF-8"?><Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inner}</Delete>`;
  return s3.send("POST", "", { query: "?delete", body });
}

function formatDoomed(count: number): string {
  return Array.from({ length: count }, (_, index) => `<Object><Key>k${index}</Key></Object>`).join(
    "",
  );
}

describe("versions", () => {
  it("keeps what was overwritten", async () => {
    const [first, second] = [await put("a", "one"), await put("a", "two")];
    expect((await s3.send("GET", "a")).text).toBe("two");
    expect((await s3.send("GET", "a", { query: `?versionId=${first}` })).text).toBe("one");
    const head = await s3.send("HEAD", "a", { query: `?versionId=${second}` });
    expect([head.status, head.headers.get("x-amz-version-id")]).toEqual([200, second]);
  });

  it("hides what is deleted, and finds it again without the marker", async () => {
    await put("a", "one");
    const deleted = await s3.send("DELETE", "a");
    expect([deleted.status, deleted.headers.get("x-amz-delete-marker")]).toEqual([204, "true"]);
    const marker = deleted.headers.get("x-amz-version-id");
    const hidden = await s3.send("GET", "a");
    expect([hidden.status, hidden.element("Code")]).toEqual([404, "NoSuchKey"]);
    expect(hidden.headers.get("x-amz-delete-marker")).toBe("true");
    const direct = await s3.send("GET", "a", { query: `?versionId=${marker}` });
    expect([direct.status, direct.element("Code")]).toEqual([405, "MethodNotAllowed"]);
    const undeleted = await s3.send("DELETE", "a", { query: `?versionId=${marker}` });
    expect([undeleted.status, undeleted.headers.get("x-amz-delete-marker")]).toEqual([204, "true"]);
    expect((await s3.send("GET", "a")).text).toBe("one");
  });

  it("removes a version for good", async () => {
    const [first, second] = [await put("a", "one"), await put("a", "two")];
    const query = `?versionId=${second}`;
    expect((await s3.send("DELETE", "a", { query })).status).toBe(204);
    expect((await s3.send("DELETE", "a", { query })).status).toBe(204);
    expect((await s3.send("GET", "a", { query })).element("Code")).toBe("NoSuchVersion");
    expect((await s3.send("GET", "a")).headers.get("x-amz-version-id")).toBe(first);
  });

  it("hides what was never there", async () => {
    expect((await s3.send("DELETE", "never")).status).toBe(204);
    expect((await s3.send("GET", "never")).status).toBe(404);
  });

  it("keeps both of two uploads at once", async () => {
    await Promise.all([put("a", "one"), put("a", "two")]);
    const reply = await s3.send("GET", "", { query: "?versions" });
    expect(reply.elements("Version")).toHaveLength(2);
  });
});

describe("ListObjectVersions", () => {
  it("lists newest first within a key, and says which is latest", async () => {
    const [first, second] = [await put("a", "one"), await put("a", "two")];
    await s3.send("DELETE", "a");
    await put("b", "three");
    const reply = await s3.send("GET", "", { query: "?versions" });
    expect(reply.elements("Key")).toEqual(["a", "a", "a", "b"]);
    expect(reply.elements("VersionId").slice(1, 3)).toEqual([second, first]);
    expect(reply.elements("IsLatest")).toEqual(["true", "false", "false", "true"]);
    expect(reply.elements("DeleteMarker")).toHaveLength(1);
  });

  it("pages within a key and across keys", async () => {
    for (const key of ["a", "a", "b/1", "b/2", "b/2", "c"]) await put(key, key);
    expect(await listPaged("", 1)).toEqual(await listPaged("", 1000));
    expect(await listPaged("&delimiter=/", 1)).toEqual(await listPaged("&delimiter=/", 1000));
    expect(await listPaged("&prefix=b/", 2)).toHaveLength(3);
  });
});

describe("DeleteObjects", () => {
  it("hides by name and removes by version", async () => {
    await put("a&b", "one");
    const version = await put("c", "two");
    const reply = await deleteObjects(
      `<Object><Key>a&amp;b</Key></Object><Object><Key>c</Key><VersionId>${version}</VersionId></Object>`,
    );
    expect([reply.status, reply.elements("Key")]).toEqual([200, ["a&amp;b", "c"]]);
    expect(reply.elements("DeleteMarker")).toEqual(["true"]);
    const list = await s3.send("GET", "", { query: "?list-type=2" });
    expect(list.element("KeyCount")).toBe("0");
  });

  it("answers per object, and with Quiet only what failed", async () => {
    const reply = await deleteObjects(
      `<Quiet>true</Quiet><Object><Key>a</Key></Object><Object><Key>${"k".repeat(1025)}</Key></Object>`,
    );
    expect(reply.elements("Deleted")).toEqual([]);
    expect(reply.elements("Code")).toEqual(["KeyTooLongError"]);
  });

  it("takes 1,000 objects and refuses 1,001", async () => {
    const refused = await deleteObjects(formatDoomed(1001));
    expect([refused.status, refused.element("Code")]).toEqual([400, "InvalidRequest"]);
    expect((await deleteObjects(formatDoomed(1000))).elements("Deleted")).toHaveLength(1000);
  });

  it.each(["<Object></Object>", "", "<Object><Key>a</Key>"])("refuses %s", async (inner) => {
    expect((await deleteObjects(inner)).element("Code")).toBe("MalformedXML");
  });
});
