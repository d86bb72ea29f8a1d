import { describe, expect, it } from "vitest";
import {
  apiRequest,
  errorOf,
  expectStored,
  linesOf,
  openUploads,
  post,
  sendAll,
  sendParts,
  start,
} from "../../../../testkit/workerd/api.ts";
import { type LargeNar, makeLargeNar } from "../../../../testkit/workerd/direct-upload.ts";
import {
  PREFIX,
  PUSH_TOKEN,
  READ_TOKEN,
  startGateway,
} from "../../../../testkit/workerd/gateway.ts";

/** The same bytes but one. */
function otherBytes({ bytes }: LargeNar): Uint8Array<ArrayBuffer> {
  const others = bytes.slice();
  others[others.length - 1] = (others.at(-1) ?? 0) ^ 1;
  return others;
}

describe("POST /api/v1/uploads/complete", () => {
  it("proves the bytes and stores the NAR, telling how far it is", async () => {
    const sent = await sendAll();
    const response = await sent.complete();
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(await linesOf(response)).toEqual([
      { status: "checking", bytes: 0, size: sent.nar.bytes.byteLength },
      { status: "copying" },
      { status: "stored" },
    ]);
    await expectStored(sent);
    expect(sent.gateway.log).toContainEqual({
      level: "info",
      code: "upload-completed",
      requestId: expect.any(String),
      path: sent.nar.key.path,
      bytes: sent.nar.bytes.byteLength,
      milliseconds: expect.any(Number),
      bucketRequests: 9,
      by: "tests",
    });
  });

  it("may be repeated, and then says the same at once", async () => {
    const sent = await sendAll();
    await sent.complete();
    expect(await linesOf(await sent.complete())).toEqual([{ status: "stored" }]);
    await expectStored(sent);
  });

  it("lets the narinfo be published", async () => {
    const { gateway, nar, complete } = await sendAll();
    const narinfo = [
      "StorePath: /nix/store/0123456789abcdfghijklmnpqrsvwxyz-thing",
      `URL: ${nar.key.path}`,
      "Compression: zstd",
      `FileHash: sha256:${nar.fileHash}`,
      `FileSize: ${nar.bytes.byteLength}`,
      `NarHash: sha256:${nar.fileHash}`,
      "NarSize: 20000000",
      "References: ",
      "",
    ].join("\n");
    const path = "/0123456789abcdfghijklmnpqrsvwxyz.narinfo";
    expect((await gateway.push(path, narinfo)).status).toBe(400);
    await complete();
    expect((await gateway.push(path, narinfo)).status).toBe(200);
  });

  it("refuses an upload that lacks parts, and goes on once they are there", async () => {
    const gateway = await startGateway();
    const nar = await makeLargeNar();
    const started = await start(gateway, nar);
    await sendParts({ ...started, urls: started.urls.slice(1) }, nar.bytes);
    const complete = () => post(gateway, "uploads/complete", { handle: started.handle });
    const refused = await complete();
    expect(refused.status).toBe(409);
    const error = await errorOf(refused);
    expect(error.code).toBe("upload-incomplete");
    expect(error.message).toBe(
      "The upload is not complete: parts 1 are missing or have a wrong size.",
    );
    await sendParts(started, nar.bytes);
    expect((await linesOf(await complete())).at(-1)).toEqual({ status: "stored" });
  });

  it("is not readable through the edge as absent once it is stored", async () => {
    const sent = await sendAll({ EDGE: "cache-api" });
    expect((await sent.gateway.request(`/${sent.nar.key.path}`)).status).toBe(404);
    await sent.complete();
    await expectStored(sent);
  });

  it("goes on telling that it copies while it does", async () => {
    const sent = await sendAll();
    await sent.gateway.bucket.addFaults({
      match: { operation: "CopyObject" },
      effect: { delayMs: 3_500 },
    });
    const lines = await linesOf(await sent.complete());
    expect(lines.filter(({ status }) => status === "copying")).toHaveLength(2);
    expect(lines.at(-1)).toEqual({ status: "stored" });
  });

  it("is ended all the same where its client has gone", async () => {
    const sent = await sendAll();
    const { response, settle } = await sent.gateway.open(
      "/api/v1/uploads/complete",
      apiRequest({ handle: sent.started.handle }),
    );
    await response.body?.cancel();
    await settle();
    await expectStored(sent);
    expect(sent.gateway.log.map(({ code }) => code)).toContain("upload-completed");
  });

  it("twice at the same time ends well", async () => {
    const sent = await sendAll();
    const answers = await Promise.all([sent.complete(), sent.complete()]);
    for (const answer of answers) {
      expect((await linesOf(answer)).at(-1)).toEqual({ status: "stored" });
    }
    await expectStored(sent);
  });

  it("works in a private cache, whose readers then read it", async () => {
    const { nar, complete, gateway } = await sendAll({ READ_ACCESS: "token" });
    await complete();
    expect((await gateway.request(`/${nar.key.path}`)).status).toBe(401);
    const reader = { headers: { authorization: `Bearer ${READ_TOKEN}` } };
    expect((await gateway.request(`/${nar.key.path}`, reader)).status).toBe(200);
  });

  it("has no line of its own in the log where LOG is faults", async () => {
    const { gateway, complete } = await sendAll({ LOG: "faults" });
    await complete();
    expect(gateway.log).toEqual([]);
  });
});

describe("bytes that are not what was promised", () => {
  it("are never readable, and are gone in the end", async () => {
    const { gateway, nar, started, complete } = await sendAll({}, otherBytes);
    const read = async () => (await gateway.request(`/${nar.key.path}`)).status;
    expect(await read()).toBe(404);
    const lines = await linesOf(await complete());
    expect(lines.at(-1)).toEqual({
      error: {
        code: "nar-hash-mismatch",
        message: "The bytes do not hash to the SHA-256 in the file's name. Nothing was stored.",
        requestId: expect.any(String),
      },
    });
    expect(await read()).toBe(404);
    expect(await gateway.bucket.listKeys()).toEqual([]);
    expect(await openUploads(gateway)).toEqual([]);
    expect(await gateway.bucket.countRequests({ operation: "CopyObject" })).toBe(0);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({
        code: "upload-refused",
        fault: "nar-hash-mismatch",
        path: nar.key.path,
        by: "tests",
      }),
    );
    const again = await post(gateway, "uploads/complete", { handle: started.handle });
    expect(again.status).toBe(404);
  });

  it("are readable by no route while they lie there", async () => {
    const { gateway, started } = await sendAll({}, otherBytes);
    // Completed but not proved, as where the worker is killed in between.
    await gateway.bucket.addFaults({ match: { operation: "GetObject" }, effect: { status: 403 } });
    await post(gateway, "uploads/complete", { handle: started.handle });
    await gateway.bucket.clearFaults();
    const [key = ""] = await gateway.bucket.listKeys();
    const name = key.slice(PREFIX.length);
    expect(name).toMatch(/^\.incoming\//);
    const forms = [
      `/${name}`,
      `/${name.replace(".", "%2e")}`,
      `/${name.replaceAll("/", "%2f")}`,
      `/${name.replaceAll("/", "%2F")}`,
      `//${name}`,
      `/nar/${name}`,
      `/nar/..%2f${name}`,
      `/nar/%2e%2e%2f${name}`,
      `/log/..%2f${name}`,
      `/log/${name}`,
      `/api/v1/${name}`,
      `/debuginfo/${name}`,
    ];
    for (const path of forms) {
      for (const method of ["GET", "HEAD"]) {
        const response = await gateway.request(path, {
          method,
          headers: { authorization: `Bearer ${PUSH_TOKEN}` },
        });
        expect(response.status, `${method} ${path}`).toBe(404);
      }
    }
    const put = await gateway.push(`/${name}`, "x");
    expect(put.status).toBe(400);
  });
});
