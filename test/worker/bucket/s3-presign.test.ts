import { describe, expect, it } from "vitest";
import { createIncomingPath, incomingFolder } from "../../../src/worker/bucket/incoming-path.ts";
import { B2_PREFIX, openB2, type TestB2, type TestB2Options } from "../../../testkit/workerd/b2.ts";
import { NAR } from "../../../testkit/workerd/edge.ts";

const BODY = "bytes of a part";

/** An upload and the URL of its second part. */
async function signPart(options: TestB2Options = {}, seconds = 3600) {
  const b2 = await openB2(options);
  const path = createIncomingPath(incomingFolder(NAR, "0123456789abcdef"), "parts");
  const starter = options.clockAheadMilliseconds === undefined ? b2 : await openSame(b2);
  const upload = await starter.bucket.createUpload(path, { contentType: "application/x-nix-nar" });
  const url = await b2.bucket.openUpload(path, upload.uploadId).signPart(2, seconds);
  return { b2, path, upload, url };
}

/** The same bucket by a clock that is right. */
async function openSame(b2: TestB2): Promise<TestB2> {
  return await openB2({ config: { bucket: b2.config.bucket } });
}

const put = (url: string, init: RequestInit = {}) =>
  fetch(url, { method: "PUT", body: BODY, ...init });

describe("signPart", () => {
  it("gives a URL by which that part is PUT without a credential, and asks the bucket nothing", async () => {
    const { b2, upload, url } = await signPart();
    const before = b2.meter.requests;
    const response = await put(url);
    expect(response.status).toBe(200);
    expect(b2.meter.requests).toBe(before);
    expect(await upload.listParts()).toEqual([
      { number: 2, etag: response.headers.get("etag"), sizeBytes: BODY.length },
    ]);
  });

  it("names the bucket, the key and how long it works, and no secret", async () => {
    const { b2, path, url } = await signPart();
    const { origin, pathname, searchParams } = new URL(url);
    expect(origin + pathname).toBe(`${b2.config.endpoint}/${b2.config.bucket}/${B2_PREFIX}${path}`);
    expect(searchParams.get("X-Amz-Expires")).toBe("3600");
    expect(searchParams.get("X-Amz-SignedHeaders")).toBe("host");
    expect(url).not.toContain(b2.config.applicationKey);
    expect(url).not.toContain(encodeURIComponent(b2.config.applicationKey));
  });

  it.each<{ what: string; change: (url: string) => string; init?: RequestInit }>([
    { what: "another part", change: (url) => url.replace("partNumber=2", "partNumber=3") },
    { what: "another upload", change: (url) => url.replace("uploadId=", "uploadId=1") },
    { what: "another key", change: (url) => url.replace(/[0-9a-f]\?/, "g?") },
    { what: "a NAR's own key", change: (url) => url.replace(/\.incoming\/[^?]+/, NAR.path) },
    {
      what: "the whole object",
      change: (url) => url.replace(/partNumber=2&uploadId=[^&]+&/, ""),
    },
    { what: "a longer time", change: (url) => url.replace("Expires=3600", "Expires=7200") },
    { what: "GET", change: (url) => url, init: { method: "GET", body: null } },
    { what: "DELETE, which would abort it", change: (url) => url, init: { method: "DELETE" } },
    { what: "POST, which would complete it", change: (url) => url, init: { method: "POST" } },
    {
      what: "a copy of another object",
      change: (url) => url,
      init: { headers: { "x-amz-copy-source": `/b/${B2_PREFIX}x` } },
    },
  ])("gives a URL that is refused for $what", async ({ change, init }) => {
    const { upload, url } = await signPart();
    const changed = change(url);
    expect(changed !== url || init !== undefined).toBe(true);
    const response = await put(changed, init);
    expect(response.status).toBe(403);
    expect(await upload.listParts()).toEqual([]);
  });

  it("gives a URL that stops working when it says", async () => {
    const hourAgo = { clockAheadMilliseconds: -3_601_000 };
    const { upload, url } = await signPart(hourAgo);
    const response = await put(url);
    expect(response.status).toBe(403);
    expect(await response.text()).toContain("expired");
    expect(await upload.listParts()).toEqual([]);
  });

  it("gives a URL that works until then", async () => {
    const { url } = await signPart({ clockAheadMilliseconds: -3_500_000 });
    expect((await put(url)).status).toBe(200);
  });

  it("gives a URL that finds nothing once the upload is aborted", async () => {
    const { upload, url } = await signPart();
    await upload.abort();
    const response = await put(url);
    expect(response.status).toBe(404);
    expect(await response.text()).toContain("NoSuchUpload");
  });

  it("signs every character that a prefix may have", async () => {
    const prefix = "nix+a=b@c/_d.e-f/";
    const { url } = await signPart({ config: { prefix } });
    expect((await put(url)).status).toBe(200);
  });
});
