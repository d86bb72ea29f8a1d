import { describe, expect, it } from "vitest";
import { apiRequest, errorOf, linesOf, post } from "../../../../testkit/workerd/api.ts";
import {
  lineOf,
  makePaths,
  ndjson,
  publish,
  startWithNars,
} from "../../../../testkit/workerd/batches.ts";
import { PREFIX, READ_TOKEN, startGateway } from "../../../../testkit/workerd/gateway.ts";
import { makeStorePath } from "../../../../testkit/store-path.ts";
import { SECRET_KEY_ONE } from "../../../nix/data/keys.ts";

const narinfosOf = (keys: readonly string[]) => keys.filter((key) => key.endsWith(".narinfo"));

describe("POST /api/v1/publish", () => {
  it("publishes narinfos as a PUT does, with a line for each and the number at the end", async () => {
    const paths = await makePaths(3, true);
    const gateway = await startWithNars(paths, { SIGNING_KEY: SECRET_KEY_ONE });
    const lines = await publish(gateway, paths.toReversed().map(lineOf));
    expect(lines).toEqual([
      ...paths.map(({ hash }) => ({ path: hash, outcome: "published" })),
      { took: 3 },
    ]);
    expect(gateway.log).toContainEqual(
      expect.objectContaining({
        code: "batch-published",
        by: "tests",
        bucketRequests: expect.any(Number),
        paths: paths.map(({ hash }) => `${hash} published`).join(", "),
      }),
    );
    for (const { narinfoPath, narinfo } of paths) {
      const text = await (await gateway.request(narinfoPath)).text();
      expect(text).toContain(narinfo);
      expect(text).toContain("Sig: ");
    }
    expect(await publish(gateway, paths.map(lineOf))).toEqual([
      ...paths.map(({ hash }) => ({ path: hash, outcome: "kept" })),
      { took: 3 },
    ]);
  });

  it("asks the bucket three times for a narinfo whose NAR this isolate has just stored", async () => {
    const paths = await makePaths(4);
    const gateway = await startWithNars(paths);
    await publish(gateway, paths.slice(0, 1).map(lineOf));
    await gateway.bucket.clearRequests();
    await publish(gateway, paths.slice(1).map(lineOf));
    const asked = (await gateway.bucket.requests()).map(({ operation }) => operation);
    expect(asked.filter((operation) => operation === "PutObject")).toHaveLength(3);
    expect(asked.filter((operation) => operation === "GetObject")).toHaveLength(3);
    expect(asked.filter((operation) => operation === "HeadObject")).toHaveLength(3);
    expect(asked).toHaveLength(9);
  });

  it("asks for the NAR where another isolate has stored it, or nobody", async () => {
    const paths = await makePaths(2);
    const gateway = await startGateway();
    const [there, absent] = paths;
    await gateway.bucket.putObject(PREFIX + there?.narPath.slice(1), there?.nar ?? "");
    const lines = await publish(gateway, paths.map(lineOf));
    expect(lines).toContainEqual({ path: there?.hash, outcome: "published" });
    expect(lines).toContainEqual({
      path: absent?.hash,
      error: expect.objectContaining({ code: "nar-absent" }),
    });
    expect(narinfosOf(await gateway.bucket.listKeys())).toHaveLength(1);
  });

  it("fails what refers to a narinfo of another store directory, by a code of its own", async () => {
    const paths = await makePaths(3, true);
    const gateway = await startWithNars(paths);
    const [first, ...others] = paths.map(lineOf);
    const foreign = { ...first, narinfo: first?.narinfo.replaceAll("/nix/store", "/gnu/store") };
    const lines = await publish(gateway, [foreign, ...others]);
    const codes = lines.map(({ error }) => (error as { code: string } | undefined)?.code);
    expect(codes).toEqual([
      "narinfo-malformed",
      "reference-not-published",
      "reference-not-published",
      undefined,
    ]);
    expect(narinfosOf(await gateway.bucket.listKeys())).toEqual([]);
  });

  it("keeps what is published, and refuses other contents if ON_CONFLICT says so (law 3)", async () => {
    const [path] = await makePaths(1);
    const other = await makeStorePath(path?.hash ?? "", { seed: 77 });
    for (const [onConflict, end] of [
      ["keep", { outcome: "conflict" }],
      ["refuse", { error: expect.objectContaining({ code: "build-not-reproducible" }) }],
    ] as const) {
      const gateway = await startWithNars([path ?? other, other], { ON_CONFLICT: onConflict });
      await publish(gateway, [lineOf(path ?? other)]);
      const lines = await publish(gateway, [lineOf(other)]);
      expect(lines).toEqual([{ path: other.hash, ...end }, { took: 1 }]);
      expect(await (await gateway.request(other.narinfoPath)).text()).toBe(path?.narinfo);
    }
  });

  it("has one writer win where two batches have the same path (law 3)", async () => {
    const [path] = await makePaths(1);
    const other = await makeStorePath(path?.hash ?? "", { seed: 77 });
    const gateway = await startWithNars([path ?? other, other]);
    const ends = await Promise.all([
      publish(gateway, [lineOf(path ?? other)]),
      publish(gateway, [lineOf(other)]),
    ]);
    const outcomes = ends.map(([line]) => line?.["outcome"]);
    expect(outcomes.toSorted()).toEqual(["conflict", "published"]);
  });

  it("says for each narinfo what a bucket that fails half way has done", async () => {
    const paths = await makePaths(4);
    const gateway = await startWithNars(paths);
    await publish(gateway, []);
    const doomed = `${PREFIX}${paths[2]?.hash}.narinfo`;
    await gateway.bucket.addFaults({
      match: { method: "PUT", key: doomed },
      effect: { status: 403, code: "AccessDenied" },
    });
    const lines = await publish(gateway, paths.map(lineOf));
    const stored = narinfosOf(await gateway.bucket.listKeys());
    expect(stored).toHaveLength(3);
    for (const { hash } of paths) {
      const line = lines.find((one) => one["path"] === hash);
      expect(line?.["outcome"] === "published").toBe(stored.includes(`${PREFIX}${hash}.narinfo`));
    }
    expect(gateway.log).toContainEqual(
      expect.objectContaining({ code: "narinfo-refused", path: `${paths[2]?.hash}.narinfo` }),
    );
  });

  it("begins its answer at once, and sends a line as soon as a narinfo is durable", async () => {
    const [path] = await makePaths(1);
    const gateway = await startWithNars(path === undefined ? [] : [path]);
    await gateway.bucket.setLatency(50);
    const body = apiRequest(ndjson(path === undefined ? [] : [lineOf(path)]));
    const { response, settle } = await gateway.open("/api/v1/publish", body);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    expect(await gateway.bucket.countRequests({ key: `${PREFIX}${path?.hash}.narinfo` })).toBe(0);
    const lines = await linesOf(response);
    await settle();
    expect(lines[0]).toEqual({ status: "publishing" });
    expect(lines).toHaveLength(3);
  });

  it("takes the fields of later versions, and refuses those it knows in another form", async () => {
    const paths = await makePaths(2);
    const gateway = await startWithNars(paths);
    const [first, second] = paths.map(lineOf);
    const fields = { buildSeconds: 3.5, upstreamReferences: [], later: 1 };
    const [line] = await publish(gateway, [{ ...first, ...fields }]);
    expect(line).toEqual({ path: first?.path, outcome: "published" });
    const response = await post(gateway, "publish", ndjson([{ ...second, buildSeconds: "3" }]));
    expect((await errorOf(response)).message).toContain("line 1: buildSeconds is not a number");
  });

  it("stores a listing with the narinfo that it publishes, without a look for another", async () => {
    const [path] = await makePaths(1);
    const gateway = await startWithNars([path!]);
    await gateway.bucket.clearRequests();
    await publish(gateway, [{ ...lineOf(path!), listing: '{"version":1}' }]);
    const name = `${PREFIX}${path!.hash}.ls`;
    expect((await gateway.bucket.getObject(name))?.text).toBe('{"version":1}');
    expect((await gateway.bucket.getObject(name))?.headers["content-type"]).toBe(
      "application/json",
    );
    const requests = await gateway.bucket.requests();
    const puts = requests.filter(({ method }) => method === "PUT").map(({ key }) => key);
    expect(puts.filter((key) => key.includes(path!.hash)).toSorted()).toEqual([
      name,
      `${PREFIX}${path!.hash}.narinfo`,
    ]);
    expect(requests.filter(({ key }) => key === name)).toHaveLength(1);
  });

  it("keeps the listing of a path that is published", async () => {
    const [path] = await makePaths(1);
    const gateway = await startWithNars([path!]);
    await publish(gateway, [{ ...lineOf(path!), listing: "first" }]);
    const [line] = await publish(gateway, [{ ...lineOf(path!), listing: "second" }]);
    expect(line).toEqual({ path: path!.hash, outcome: "kept" });
    expect((await gateway.bucket.getObject(`${PREFIX}${path!.hash}.ls`))?.text).toBe("first");
  });

  it("publishes a path whose listing cannot be stored", async () => {
    const [path] = await makePaths(1);
    const gateway = await startWithNars([path!]);
    const key = `${PREFIX}${path!.hash}.ls`;
    await gateway.bucket.addFaults({ match: { key }, effect: { status: 403 } });
    const [line] = await publish(gateway, [{ ...lineOf(path!), listing: "{}" }]);
    expect(line).toEqual({ path: path!.hash, outcome: "published" });
    expect(gateway.log.filter(({ code }) => code === "listing-not-stored")).toHaveLength(1);
  });

  it.each<{ what: string; body: string; code: string; says: string }>([
    { what: "no JSON", body: "{}\n{", code: "upload-malformed", says: "line 1: path is missing" },
    {
      what: "a path that is none",
      body: ndjson([{ path: "../x", narinfo: "" }]),
      code: "upload-malformed",
      says: "line 1: path is not 32 digits",
    },
    {
      what: "a listing that is too long",
      body: ndjson([{ path: "a".repeat(32), narinfo: "", listing: "x".repeat(65_537) }]),
      code: "upload-malformed",
      says: "listing is longer than 65536 characters",
    },
    {
      what: "a path twice",
      body: ndjson([1, 2].map(() => ({ path: "a".repeat(32), narinfo: "" }))),
      code: "upload-malformed",
      says: "named twice",
    },
    {
      what: "too many lines",
      body: "{}\n".repeat(257),
      code: "upload-malformed",
      says: "more than 256 lines",
    },
    { what: "too much", body: "x".repeat(2 ** 22 + 1), code: "body-too-large", says: "larger" },
  ])("refuses $what, and publishes nothing", async ({ body, code, says }) => {
    const gateway = await startGateway();
    const error = await errorOf(await post(gateway, "publish", body));
    expect(error).toMatchObject({ code, message: expect.stringContaining(says) });
    expect(await gateway.bucket.countRequests()).toBe(0);
  });

  it.each([
    { what: "no token", token: "", status: 401 },
    { what: "a token that may only read", token: READ_TOKEN, status: 403 },
  ])("refuses $what", async ({ token, status }) => {
    const gateway = await startGateway();
    expect((await post(gateway, "publish", "", token)).status).toBe(status);
  });
});
