import { describe, expect, it } from "vitest";
import { openBucket } from "../../../src/client/bucket/open-bucket.ts";
import { UsageError } from "../../../src/client/client-error.ts";
import { serve } from "../../../testkit/node/serve.ts";
import { bucketEnv, startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

/** A server in the place of the bucket. */
async function hostile(answer: (url: URL) => string | Uint8Array) {
  let requests = 0;
  const endpoint = await serve((request, response) => {
    requests++;
    response.end(answer(new URL(request.url ?? "", "http://x")));
  });
  const bucket = openBucket(createTestContext({ fetch, env: bucketEnv(endpoint) }));
  return { bucket, requests: () => requests };
}

async function listAll(bucket: ReturnType<typeof openBucket>, start = "nar/") {
  const paths: string[] = [];
  for await (const page of bucket.list({ start })) paths.push(...page.map(({ path }) => path));
  return paths;
}

const page = (keys: readonly string[], token?: string) =>
  `<ListBucketResult><Prefix>nix/cache/nar/</Prefix>${keys
    .map((key) => `<Contents><Key>nix/cache/nar/${key}</Key><Size>1</Size></Contents>`)
    .join("")}${
    token === undefined
      ? ""
      : `<IsTruncated>true</IsTruncated><NextContinuationToken>${token}</NextContinuationToken>`
  }</ListBucketResult>`;

describe("a bucket reader", () => {
  it("lists several pages in order, below its prefix alone", async () => {
    const { view, open } = await startAuditBucket();
    const names = Array.from(
      { length: 1500 },
      (_, index) => `nar/${String(index).padStart(5, "0")}`,
    );
    for (const name of names) await view.write(name, Buffer.from("x"));
    await view.writeOutside("nar/beside", Buffer.from("x"));
    expect(await listAll(open())).toEqual(names);
  });

  it("leaves folders out of a flat listing", async () => {
    const { view, open } = await startAuditBucket();
    for (const name of ["a", "b", "c", "nar/x"]) await view.write(name, Buffer.from("x"));
    const pages = [];
    for await (const entries of open().list({ start: "", isFlat: true })) {
      pages.push(entries.map(({ path }) => path));
    }
    expect(pages).toEqual([["a", "b", "c"]]);
  });

  it("lists all unfinished uploads below its prefix", async () => {
    const { b2, open, beginUpload, now } = await startAuditBucket();
    for (let count = 0; count < 1001; count++) await beginUpload(`.incoming/${count % 3}`);
    await b2.server.store.bucket(b2.bucket)?.uploads.create("beside", {}, now());
    const paths: string[] = [];
    for await (const uploads of open().listUploads())
      paths.push(...uploads.map(({ path }) => path));
    expect(paths).toHaveLength(1001);
    expect(new Set(paths)).toEqual(new Set([".incoming/0", ".incoming/1", ".incoming/2"]));
  });

  it("reads an object, and tells one that does not exist", async () => {
    const { view, open } = await startAuditBucket();
    await view.write("x+y.narinfo", Buffer.from("text"));
    const bucket = open();
    expect((await bucket.read("x+y.narinfo", 10_000))?.toString()).toBe("text");
    expect(await bucket.read("absent", 10_000)).toBeUndefined();
    expect(await bucket.sizeOf("x+y.narinfo")).toBe(4);
    expect(await bucket.sizeOf("x+y")).toBeUndefined();
  });

  it.each([
    { what: "repeats its first page for ever", answer: () => page(["a"], "t") },
    { what: "has empty pages for ever", answer: () => page([], "t") },
    {
      what: "goes back",
      answer: (url: URL) => page([url.search.includes("token") ? "a" : "b"], "t"),
    },
  ])("ends a listing that $what", async ({ answer }) => {
    const { bucket, requests } = await hostile(answer);
    await expect(listAll(bucket)).rejects.toThrow("the bucket's listing does not go on");
    expect(requests()).toBeLessThan(200);
  });

  it("says that an answer which is no listing may be the wrong address", async () => {
    const { bucket } = await hostile(() => "<html>\u001B[31mSign in</html>");
    await expect(listAll(bucket)).rejects.toThrow(
      "the bucket's listing cannot be used: it is not a listing in S3's XML. Check B2_ENDPOINT and B2_BUCKET",
    );
  });

  it("stops to read an answer of 100 MB, and does not ask again", async () => {
    const { bucket, requests } = await hostile(() => Buffer.alloc(100 * 1024 * 1024, "x"));
    await expect(listAll(bucket)).rejects.toThrow("answered with more than 4 MB");
    await expect(bucket.read("a.narinfo", 1024 * 1024)).rejects.toThrow("more than 1 MB");
    expect(requests()).toBe(2);
  });

  it("follows no redirect", async () => {
    const asked: (string | undefined)[] = [];
    const elsewhere = await serve((request, response) => {
      asked.push(request.url);
      response.end();
    });
    const endpoint = await serve((_, response) =>
      response.writeHead(301, { location: elsewhere }).end(),
    );
    const bucket = openBucket(createTestContext({ fetch, env: bucketEnv(endpoint) }));
    await expect(listAll(bucket)).rejects.toThrow("301");
    await expect(bucket.read("x", 10)).rejects.toThrow("Check B2_REGION and B2_ENDPOINT");
    expect(asked).toEqual([]);
  });

  it("tells a refused key in one line, with the reason of the bucket and without the key", async () => {
    const { b2, env } = await startAuditBucket();
    const wrong = { ...env, B2_APPLICATION_KEY: "a-wrong-secret" };
    const bucket = openBucket(createTestContext({ fetch, env: wrong }));
    const failure = await listAll(bucket).catch((error: Error) => error.message);
    expect(failure).toContain("the bucket answered 403 to the listing (SignatureDoesNotMatch: ");
    expect(failure).toContain("Check B2_KEY_ID and B2_APPLICATION_KEY");
    expect(failure).not.toContain("a-wrong-secret");
    expect(failure).not.toContain(b2.keyId);
  });
});

describe("openBucket", () => {
  it("names every setting that is missing or wrong at once, and no value", () => {
    const env = {
      ...bucketEnv("ftp://host"),
      B2_BUCKET: "",
      B2_PREFIX: undefined,
      B2_KEY_ID: "secret spaced",
    };
    const open = () => openBucket(createTestContext({ env }));
    expect(open).toThrow(UsageError);
    expect(open).toThrow(
      "the bucket is not known: B2_ENDPOINT is not an https URL; B2_BUCKET is not set; B2_KEY_ID is not a key ID; B2_PREFIX is not set",
    );
    expect(open).not.toThrow("spaced");
  });

  it("takes an empty prefix", () => {
    const env = { ...bucketEnv("http://127.0.0.1:1"), B2_PREFIX: "" };
    expect(openBucket(createTestContext({ env })).location.prefix).toBe("");
  });
});
