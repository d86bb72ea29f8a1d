import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createAbsentReferences } from "../../../src/client/audit/absent-references.ts";
import { type AuditLog, openAuditLog } from "../../../src/client/audit/audit-log.ts";
import { createUpstream, type Upstream } from "../../../src/client/audit/upstream.ts";
import type { BucketReader } from "../../../src/client/bucket/bucket-reader.ts";
import { generateSecretKey, parseSecretKey, publicKeyOf } from "../../../src/nix/signature.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { runTestAudit } from "../../../testkit/node/run-test-audit.ts";
import { samplePath, type SampleOptions } from "../../../testkit/node/sample-path.ts";
import { serve } from "../../../testkit/node/serve.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const RULES = { storeDir: "/nix/store", keys: [publicKeyOf(valueOf(parseSecretKey(KEY)))] };

const signed = (name: string, options: SampleOptions = {}) =>
  samplePath(name, { secretKeys: [KEY], ...options });

async function start() {
  const bucket = await startAuditBucket();
  const audit = (
    options: { upstreams?: readonly Upstream[]; log?: AuditLog; reader?: BucketReader } = {},
  ) =>
    runTestAudit(options.reader ?? bucket.open(), {
      rules: RULES,
      plan: { level: "whole", upstreams: options.upstreams ?? [] },
      context: { now: bucket.now },
      ...(options.log === undefined ? {} : { log: options.log }),
    });
  return { ...bucket, audit };
}

const kinds = (remarks: readonly { readonly kind: string; readonly name: string }[]) =>
  remarks.map(({ kind, name }) => `${kind} ${name}`);

describe("a whole audit, of NARs", () => {
  it("finds a NAR that no path names, once it is a day old", async () => {
    const { audit, add, view, passDays } = await start();
    await add(await signed("a"));
    await view.write("nar/loose.nar", Buffer.from("12345"));
    const first = await audit();
    expect(kinds(first.remarks)).toEqual(["nar-new nar/loose.nar"]);
    passDays(1.1);
    const { remarks, summary } = await audit();
    expect(kinds(remarks)).toEqual(["nar-loose nar/loose.nar"]);
    expect(summary.beside?.["nar-loose"]).toEqual({ count: 1, bytes: 5 });
    expect(summary.counts.ok).toBe(1);
  });

  it("counts a NAR as named that a path with a problem names, and its narinfo alone", async () => {
    const { audit, add, view, passDays } = await start();
    const [unsigned, malformed] = await Promise.all([samplePath("u"), samplePath("m")]);
    await add(unsigned, malformed);
    await view.write(`${malformed.hash}.narinfo`, Buffer.from("StorePath: x\n"));
    passDays(2);
    expect(kinds((await audit()).remarks)).toEqual([`nar-loose ${malformed.narUrl}`]);
  });

  it("reads a narinfo that was published while it ran", async () => {
    const { audit, add, view, open, passDays } = await start();
    const late = await signed("late");
    const early = await signed("early", { references: [late] });
    await add(early);
    await view.write(late.narUrl, late.nar);
    passDays(2);
    expect(kinds((await audit()).remarks)).toEqual([
      `reference-elsewhere ${late.storePath}`,
      `nar-loose ${late.narUrl}`,
    ]);
    const reader = open();
    const read: BucketReader["read"] = async (...args) => {
      await view.write(`${late.hash}.narinfo`, Buffer.from(late.narinfo));
      return await reader.read(...args);
    };
    expect(kinds((await audit({ reader: { ...reader, read } })).remarks)).toEqual([]);
  });
});

describe("a whole audit that is ended", () => {
  it("remembers the NARs and the references of the paths that it has seen", async () => {
    const { audit, add, view, b2, passDays } = await start();
    const elsewhere = await signed("elsewhere");
    const paths = await Promise.all(
      Array.from({ length: 50 }, (_, index) => signed(`p-${index}`, { references: [elsewhere] })),
    );
    await add(...paths);
    passDays(2);
    const file = join(await temporaryDirectory(), "state");
    b2.server.faults.add({
      match: { operation: "GetObject" },
      effect: { status: 403, code: "AccessDenied" },
      skip: 40,
    });
    await expect(audit({ log: openAuditLog(file, "i") })).rejects.toThrow("403");
    b2.server.faults.clear();

    // It is published between the two runs, perhaps before the position of the first one.
    const between = await signed("between");
    await add(between);
    passDays(2);
    b2.server.requests.clear(b2.bucket);
    const { remarks, summary } = await audit({ log: openAuditLog(file, "i") });
    expect(kinds(remarks)).toEqual([`reference-elsewhere ${elsewhere.storePath}`]);
    expect(summary.checked).toBeGreaterThanOrEqual(50);
    const read = b2.server.requests.list({ bucket: b2.bucket, operation: "GetObject" });
    expect(read.length).toBeLessThan(50);

    // Another run looks at what lies beside the paths anew, and at no path.
    b2.server.requests.clear(b2.bucket);
    await view.write("nar/loose.nar", Buffer.from("x"));
    passDays(2);
    const again = await audit({ log: openAuditLog(file, "i") });
    expect(kinds(again.remarks)).toEqual([
      `reference-elsewhere ${elsewhere.storePath}`,
      "nar-loose nar/loose.nar",
    ]);
    expect(again.summary.checked).toBe(summary.checked);
    const asked = b2.server.requests.list({ bucket: b2.bucket, operation: "GetObject" });
    expect(asked.length).toBeLessThanOrEqual(1);
  });
});

async function startWithReferences() {
  const bucket = await start();
  const [here, there, nowhere] = await Promise.all(
    ["here", "there", "nowhere"].map((name) => signed(name)),
  );
  if (here === undefined || there === undefined || nowhere === undefined) throw new Error("none");
  const top = await signed("top", { references: [here, there, nowhere] });
  await bucket.add(here, top);
  // Itself is no reference that could be missing.
  const self = await signed("self", { references: [await signed("self")] });
  await bucket.add(self);
  return { ...bucket, there, nowhere, top };
}

describe("a whole audit, of references", () => {
  it("tells the references to paths of other caches, each once, with a path that has it", async () => {
    const { audit, add, there, nowhere, top } = await startWithReferences();
    await add(await signed("other", { references: [there] }));
    const { remarks, summary } = await audit();
    expect(kinds(remarks).toSorted()).toEqual(
      [there, nowhere].map(({ storePath }) => `reference-elsewhere ${storePath}`).toSorted(),
    );
    expect(remarks.find(({ name }) => name === nowhere.storePath)?.referrer).toBe(top.hash);
    expect(summary.beside?.["reference-missing"].count).toBe(0);
  });

  it("asks the upstreams, and finds what none has", async () => {
    const { audit, there, nowhere } = await startWithReferences();
    const asked: string[] = [];
    const url = await serve(({ method, url: target, headers }, response) => {
      asked.push(`${method} ${target} ${headers.authorization}`);
      response.writeHead(target === `/x/${there.hash}.narinfo` ? 200 : 404).end();
    });
    const empty = await serve((_, response) => response.writeHead(403).end());
    const context = createTestContext({ fetch });
    const upstreams = [createUpstream(empty, context), createUpstream(`${url}/x/`, context)];
    const { remarks, summary } = await audit({ upstreams });
    expect(kinds(remarks).toSorted()).toEqual([
      `reference-missing ${nowhere.storePath}`,
      `reference-upstream ${there.storePath}`,
    ]);
    expect(summary.beside?.["reference-missing"].count).toBe(1);
    expect(asked.toSorted()).toEqual(
      [there, nowhere].map(({ hash }) => `HEAD /x/${hash}.narinfo undefined`).toSorted(),
    );
  });

  it("fails if an upstream does not say yes or no", async () => {
    const { audit } = await startWithReferences();
    const url = await serve((_, response) => response.writeHead(501).end());
    const upstreams = [createUpstream(url, createTestContext({ fetch }))];
    await expect(audit({ upstreams })).rejects.toThrow(/the upstream \S+ answered 501 for /);
  });

  it("keeps no more references than it has room for", () => {
    const absent = createAbsentReferences(2);
    const names = ["a", "b", "c", "a"];
    const added = names.map((letter) => {
      const reference = valueOf(parseStorePathBaseName(`${letter.repeat(32)}-x`));
      return absent.add({ reference, referrer: reference.hash });
    });
    expect(added).toEqual([true, true, false, false]);
    expect([absent.count(), absent.dropped()]).toEqual([2, 1]);
  });
});

describe("a whole audit, of uploads", () => {
  it("finds what an upload left a week ago, and parts that no rule has dropped", async () => {
    const { audit, add, view, beginUpload, passDays } = await start();
    await add(await signed("a"));
    await view.write(".incoming/x.nar/y/z", Buffer.from("123"));
    await view.write(".nargate/absence/off", Buffer.from("123"));
    await beginUpload(".incoming/x.nar/y/w");
    expect((await audit()).remarks).toEqual([]);
    passDays(1.5);
    expect((await audit()).remarks).toEqual([]);
    passDays(1);
    expect(kinds((await audit()).remarks)).toEqual(["upload-unfinished .incoming/x.nar/y/w"]);
    passDays(5);
    expect(kinds((await audit()).remarks)).toEqual([
      "upload-left .incoming/x.nar/y/z",
      "upload-unfinished .incoming/x.nar/y/w",
    ]);
  });

  it("goes on where the bucket does not list uploads, and says so", async () => {
    const { audit, add, b2 } = await start();
    await add(await signed("a"));
    b2.server.faults.add({
      match: { operation: "ListMultipartUploads" },
      effect: { status: 501, code: "NotImplemented", message: "no" },
    });
    const { refusals, summary } = await audit();
    expect(refusals).toEqual([
      "the bucket answered 501 to the list of unfinished uploads (NotImplemented: no)",
    ]);
    expect(summary.counts.ok).toBe(1);
  });
});
