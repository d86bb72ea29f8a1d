import { describe, expect, it } from "vitest";
import { PREFIX } from "../../../../testkit/workerd/gateway.ts";
import { HASH, OTHER_HASH, startFilledGateway } from "../../../../testkit/workerd/prepared.ts";

const LOG_NAME = `log/${HASH}-gtk+3-hm_..zlogout.drv`;

describe("GET of what Nix reads", () => {
  it.each([
    { what: "a listing", key: `${HASH}.ls`, type: "application/json" },
    { what: "a build log", key: LOG_NAME, type: "text/plain; charset=utf-8" },
    {
      what: "a realisation",
      key: `realisations/sha256:${"0a".repeat(32)}!out.doi`,
      type: "application/json",
    },
    {
      what: "a build trace entry",
      key: `build-trace-v2/${HASH}-x.drv/out.doi`,
      type: "application/json",
    },
    { what: "a debug link", key: `debuginfo/${"0a".repeat(20)}.debug`, type: "application/json" },
    {
      what: "a NAR of another name",
      key: `nar/${"0a".repeat(32)}.nar.zst`,
      type: "application/x-nix-nar",
    },
  ])("serves $what as it is, under its own type", async ({ key, type }) => {
    const { bucket, request } = await startFilledGateway();
    await bucket.putObject(PREFIX + key, "the bytes", { "content-type": "text/html" });
    const response = await request(`/${key}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    expect(new TextDecoder().decode(await response.arrayBuffer())).toBe("the bytes");
  });

  it("takes %21 for ! and leaves + a +", async () => {
    const { bucket, request } = await startFilledGateway();
    const id = `sha256:${"0a".repeat(32)}`;
    await bucket.putObject(`${PREFIX}realisations/${id}!out.doi`, "{}");
    await bucket.putObject(PREFIX + LOG_NAME, "log");
    expect((await request(`/realisations/${id.replace(":", "%3A")}%21out.doi`)).status).toBe(200);
    expect((await request(`/${LOG_NAME}`)).status).toBe(200);
    expect((await request(`/${LOG_NAME.replace("+", "%2B")}`)).status).toBe(200);
  });

  it("answers HEAD of a narinfo and of a NAR with the headers of GET", async () => {
    const { path, request } = await startFilledGateway();
    for (const name of [path.narinfoPath, path.narPath]) {
      const get = await request(name);
      const head = await request(name, { method: "HEAD" });
      expect(head.status).toBe(200);
      expect(head.body).toBeNull();
      for (const header of ["content-type", "content-length", "etag", "cache-control"]) {
        expect(head.headers.get(header), header).toBe(get.headers.get(header));
      }
    }
  });

  it("makes up nix-cache-info, with a priority after cache.nixos.org's", async () => {
    const { request, bucket } = await startFilledGateway();
    const response = await request("/nix-cache-info");
    expect(await response.text()).toBe("StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n");
    expect(response.headers.get("content-type")).toBe("text/x-nix-cache-info");
    expect(await bucket.countRequests()).toBe(0);
  });

  it("serves nothing that lies beside the prefix", async () => {
    const { bucket, request } = await startFilledGateway();
    await bucket.putObject(`${OTHER_HASH}.narinfo`, "beside");
    await bucket.putObject("nar/secret.nar", "beside");
    expect((await request(`/${OTHER_HASH}.narinfo`)).status).toBe(404);
    expect((await request("/nar/secret.nar")).status).toBe(404);
  });
});

describe("paths that are none of a cache", () => {
  it.each([
    { what: "a dot segment", path: "/nar/../secret" },
    { what: "an encoded dot segment", path: "/nar/%2e%2e/secret" },
    { what: "an encoded slash", path: "/nar/..%2fsecret" },
    { what: "a doubled slash", path: "//nix-cache-info" },
    { what: "a backslash", path: "/nar/..%5csecret" },
    { what: "a NUL", path: "/nar/a%00.nar" },
    { what: "a broken escape", path: "/nar/%zz" },
    { what: "an unknown name", path: "/index.html" },
    { what: "a narinfo of 31 characters", path: `/${HASH.slice(1)}.narinfo` },
    { what: "a parameter after the path of a narinfo", path: `/${HASH}.narinfo;x` },
  ])("answers 404 to $what without asking the bucket", async ({ path }) => {
    const { bucket, request } = await startFilledGateway();
    const response = await request(path);
    expect(response.status).toBe(404);
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await bucket.countRequests()).toBe(0);
  });

  it("answers 405 to a method that no route takes", async () => {
    const { request } = await startFilledGateway();
    const response = await request("/nix-cache-info", { method: "POST", body: "x" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD, PUT, DELETE");
  });
});

describe("Range on a NAR", () => {
  it.each([
    { what: "the rest", range: "bytes=400-", from: 400, to: 1000 },
    { what: "a middle part", range: "bytes=10-19", from: 10, to: 20 },
    { what: "the end", range: "bytes=-7", from: 993, to: 1000 },
    { what: "more than there is", range: "bytes=990-5000", from: 990, to: 1000 },
    { what: "the whole by its range", range: "bytes=0-", from: 0, to: 1000 },
  ])("answers $what as 206, cold and from the edge", async ({ range, from, to }) => {
    const { path, request } = await startFilledGateway();
    for (const temperature of ["cold", "warm"]) {
      if (temperature === "warm") await request(path.narPath);
      const response = await request(path.narPath, { headers: { range } });
      expect(response.status, temperature).toBe(206);
      expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/1000`);
      expect(response.headers.get("content-length")).toBe(String(to - from));
      expect(new Uint8Array(await response.arrayBuffer())).toEqual(path.nar.subarray(from, to));
      expect(response.headers.get("server-timing")).toContain(
        temperature === "cold" ? 'edge;desc="bypass"' : 'edge;desc="hit"',
      );
    }
  });

  it("answers 416 to a range past the end, cold and from the edge", async () => {
    const { path, request } = await startFilledGateway();
    for (const temperature of ["cold", "warm"]) {
      if (temperature === "warm") await request(path.narPath);
      const response = await request(path.narPath, { headers: { range: "bytes=1000-" } });
      expect(response.status, temperature).toBe(416);
      expect(response.headers.get("cache-control")).toBe("no-store");
      expect(response.headers.get("content-range"), temperature).toBe("bytes */1000");
    }
  });

  it("answers the whole to several ranges and to a malformed one", async () => {
    const { path, request } = await startFilledGateway();
    for (const range of ["bytes=0-1,5-6", "bytes=5-1", "lines=1-2"]) {
      expect((await request(path.narPath, { headers: { range } })).status, range).toBe(200);
    }
  });

  it("answers the whole when If-Range names another object", async () => {
    const { path, request } = await startFilledGateway();
    const etag = (await request(path.narPath)).headers.get("etag") ?? "";
    const wanted = { range: "bytes=10-19" };
    const same = await request(path.narPath, { headers: { ...wanted, "if-range": etag } });
    const other = await request(path.narPath, { headers: { ...wanted, "if-range": '"other"' } });
    expect([same.status, other.status]).toEqual([206, 200]);
  });

  it("cuts the part out of a bucket's whole answer", async () => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.addFaults({ match: { operation: "GetObject" }, effect: { ignoreRange: true } });
    const response = await request(path.narPath, { headers: { range: "bytes=10-19" } });
    expect(response.status).toBe(206);
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(path.nar.subarray(10, 20));
  });
});

describe("the entity tag of a NAR", () => {
  it("is its file hash", async () => {
    const { path, request } = await startFilledGateway();
    const { headers } = await request(path.narPath);
    expect(headers.get("etag")).toBe(`"${path.narPath.slice(5, 57)}"`);
  });
});

describe("If-None-Match", () => {
  it("is answered 304 for a NAR by its file hash, and for a narinfo", async () => {
    const { path, request } = await startFilledGateway();
    for (const name of [path.narPath, path.narinfoPath]) {
      const etag = (await request(name)).headers.get("etag") ?? "";
      const same = await request(name, { headers: { "if-none-match": `W/${etag}, "x"` } });
      expect(same.status, name).toBe(304);
      expect(same.headers.get("etag")).toBe(etag);
      expect((await request(name, { headers: { "if-none-match": '"x"' } })).status).toBe(200);
    }
  });
});

describe("stored encodings", () => {
  it("serves a gzip narinfo decoded, and a gzip log as it is, labelled", async () => {
    const { bucket, path, request } = await startFilledGateway();
    const headers = { "content-encoding": "gzip" };
    await bucket.putObject(PREFIX + path.narinfoPath.slice(1), await gzip(path.narinfo), headers);
    await bucket.putObject(PREFIX + LOG_NAME, await gzip("the log\n"), headers);
    const narinfo = await request(path.narinfoPath);
    expect(narinfo.headers.get("content-encoding")).toBeNull();
    expect(await narinfo.text()).toBe(path.narinfo);
    expect([null, String(path.narinfo.length)]).toContain(narinfo.headers.get("content-length"));
    const log = await request(`/${LOG_NAME}`);
    expect(log.headers.get("content-encoding")).toBe("gzip");
    expect(log.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  });

  it.each(["aws-chunked", "identity"])("strips %s, which Nix cannot decode", async (encoding) => {
    const { bucket, path, request } = await startFilledGateway();
    await bucket.putObject(PREFIX + path.narPath.slice(1), path.nar, {
      "content-encoding": encoding,
    });
    const response = await request(path.narPath);
    expect(response.headers.get("content-encoding")).toBeNull();
    expect(new Uint8Array(await response.arrayBuffer())).toEqual(path.nar);
  });

  it("passes a zstd log on as it is, labelled", async () => {
    const { bucket, request } = await startFilledGateway();
    await bucket.putObject(PREFIX + LOG_NAME, "zstd bytes", { "content-encoding": "zstd" });
    const response = await request(`/${LOG_NAME}`);
    expect(response.headers.get("content-encoding")).toBe("zstd");
    expect(await response.text()).toBe("zstd bytes");
  });
});

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

describe("a log or a build trace whose name has a question mark", () => {
  // An ordinary name: fetchpatch of a URL with a query makes such derivations.
  const NAMES = [
    `log/${HASH}-x.patch?full_index=1.drv`,
    `build-trace-v2/${HASH}-x.patch?full_index=1.drv/out.doi`,
  ];

  it.each(NAMES)("is read by its whole name, encoded or not: %s", async (name) => {
    const { bucket, request } = await startFilledGateway();
    await bucket.putObject(PREFIX + name, "text");
    await bucket.putObject(PREFIX + (name.split("?")[0] ?? ""), "another object");
    for (const path of [name, name.replace("?", "%3F")]) {
      const response = await request(`/${path}`);
      expect(response.status, path).toBe(200);
      expect(await response.text()).toBe("text");
    }
  });

  it("is written under its whole name", async () => {
    const { bucket, push } = await startFilledGateway();
    expect((await push(`/${NAMES[0]}`, "built")).status).toBe(200);
    expect((await bucket.getObject(PREFIX + NAMES[0]))?.text).toBe("built");
  });
});

describe("nix-cache-info under another spelling", () => {
  it("has the answer of its usual spelling, and not the bucket's own file", async () => {
    const { bucket, request } = await startFilledGateway();
    await bucket.putObject(`${PREFIX}nix-cache-info`, "StoreDir: /nix/store\n");
    const usual = await (await request("/nix-cache-info")).text();
    expect(usual).toContain("Priority: 41");
    expect(await (await request("/%6eix-cache-info")).text()).toBe(usual);
  });
});
