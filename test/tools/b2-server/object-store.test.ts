import { link, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { BucketStore } from "../../../tools/b2-server/store/bucket-store.ts";
import { openObjectStore, type ObjectStore } from "../../../tools/b2-server/store/object-store.ts";

const NOW = new Date("2026-10-03T12:00:00.000Z");

let directory: string;
let store: ObjectStore;
let bucket: BucketStore;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "object-store-"));
  await reopen();
});

afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

async function reopen(): Promise<void> {
  store = await openObjectStore({ directory, buckets: ["b-1"], now: () => NOW, durable: true });
  bucket = await store.openBucket("b-1");
}

async function restart(): Promise<void> {
  await store.close();
  await reopen();
}

async function* chunks(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

async function* broken(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("half");
  throw new Error("the client hung up");
}

async function readBody(key: string): Promise<string | undefined> {
  const version = bucket.index.visible(key);
  if (version === undefined) return undefined;
  const file = await bucket.openBody(version);
  try {
    return (await file.readFile()).toString();
  } finally {
    await file.close();
  }
}

async function listFiles(): Promise<readonly string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe("a store that restarts", () => {
  it("finds versions, markers and headers as they were", async () => {
    await bucket.putObject("a", { "content-type": "x/y" }, chunks("one"));
    await bucket.putObject("a", {}, chunks("two"));
    await bucket.putObject("b", {}, chunks("three"));
    await bucket.hideObject("b");
    const before = ["a", "b"].flatMap((key) => bucket.index.versionsOf(key));
    await restart();
    expect(["a", "b"].flatMap((key) => bucket.index.versionsOf(key))).toEqual(before);
    expect([await readBody("a"), await readBody("b")]).toEqual(["two", undefined]);
  });

  it("gives out later version ids though the clock stands still", async () => {
    const { versionId } = await bucket.putObject("a", {}, chunks("one"));
    await restart();
    const later = await bucket.putObject("a", {}, chunks("two"));
    expect(later.versionId > versionId).toBe(true);
    expect(await readBody("a")).toBe("two");
  });

  it("finds unfinished uploads and their parts", async () => {
    const upload = await bucket.uploads.create("up", { "content-type": "x/y" }, NOW);
    await bucket.uploads.writePart(upload, 1, chunks("stale"), NOW);
    await bucket.uploads.writePart(upload, 1, chunks("one"), NOW);
    await bucket.uploads.writePart(upload, 2, chunks("two"), NOW);
    await restart();
    const found = bucket.uploads.find("up", upload.uploadId) ?? upload;
    expect(found).not.toBe(upload);
    expect(found).toMatchObject({ key: "up", headers: { "content-type": "x/y" }, initiated: NOW });
    await bucket.completeUpload(found, [...found.parts.values()]);
    expect(await readBody("up")).toBe("onetwo");
    await restart();
    expect([bucket.uploads.list(), await readBody("up")]).toEqual([[], "onetwo"]);
  });

  it("finds the lifecycle configuration", async () => {
    await bucket.writeLifecycle("<a/>");
    await restart();
    expect(await bucket.readLifecycle()).toBe("<a/>");
  });
});

describe("a store that was killed", () => {
  it("sweeps what was being written", async () => {
    await bucket.putObject("a", {}, chunks("one"));
    const files = await listFiles();
    const root = path.join(directory, "buckets", "b-1");
    // Killed while the bytes came in, and between the body and its JSON.
    await writeFile(path.join(root, "staging", "left-behind"), "half");
    await writeFile(path.join(root, "versions", "9999999999999999-00000000.body"), "whole");
    await restart();
    expect(await listFiles()).toEqual(files);
    expect(await readBody("a")).toBe("one");
  });

  it("takes a version without its body for deleted", async () => {
    const version = await bucket.putObject("a", {}, chunks("one"));
    await bucket.putObject("a", {}, chunks("two"));
    const latest = bucket.index.latest("a")?.versionId;
    await rm(path.join(directory, "buckets", "b-1", "versions", `${latest}.body`));
    await restart();
    expect(bucket.index.latest("a")).toEqual(version);
  });

  it("drops an upload whose record was not yet there", async () => {
    const upload = await bucket.uploads.create("up", {}, NOW);
    await rm(path.join(directory, "buckets", "b-1", "uploads", upload.uploadId, "upload.json"));
    await restart();
    expect(bucket.uploads.list()).toEqual([]);
  });

  it("says which file it cannot read", async () => {
    const file = path.join(directory, "buckets", "b-1", "versions", "1.json");
    await writeFile(file, "{}");
    await store.close();
    await expect(reopen()).rejects.toThrow(file);
    await rm(file);
    await reopen();
  });
});

describe("a write", () => {
  it("that fails leaves the old object and no file", async () => {
    await bucket.putObject("a", {}, chunks("one"));
    const files = await listFiles();
    await expect(bucket.putObject("a", {}, broken())).rejects.toThrow("hung up");
    expect(await listFiles()).toEqual(files);
    expect(await readBody("a")).toBe("one");
  });

  it("names no file after its key", async () => {
    for (const key of ["../../x", "/etc/passwd", "a", "A", "a/.", "con", "x".repeat(1024)]) {
      await bucket.putObject(key, {}, chunks(key));
    }
    await restart();
    for (const key of bucket.index.keysFrom("")) expect(await readBody(key)).toBe(key);
    const names = (await listFiles()).map((file) => path.basename(file));
    expect(names.filter((name) => !/^\d{16}-[0-9a-f]{8}\.(json|body)$/.test(name))).toEqual([]);
    expect([...bucket.index.keysFrom("")]).toHaveLength(7);
  });

  it("that copies shares bytes, and outlives its source", async () => {
    const source = await bucket.putObject("a", {}, chunks("one"));
    await bucket.copyObject("b", {}, { bucket, version: source });
    await bucket.deleteVersion(source);
    await restart();
    expect([await readBody("a"), await readBody("b")]).toEqual([undefined, "one"]);
  });

  it("that deletes a version lets its readers finish", async () => {
    const version = await bucket.putObject("a", {}, chunks("one"));
    const file = await bucket.openBody(version);
    await bucket.deleteVersion(version);
    expect((await file.readFile()).toString()).toBe("one");
    await file.close();
    expect(await listFiles()).toEqual([]);
  });
});

describe("openObjectStore", () => {
  it("refuses a directory that another has open", async () => {
    await expect(reopen()).rejects.toThrow("in use");
  });

  it("takes over from one that was killed", async () => {
    // What kill -9 leaves: the socket's file, and nobody listening.
    const socket = path.join(directory, "lock");
    await link(socket, path.join(directory, "kept"));
    await store.close();
    await link(path.join(directory, "kept"), socket);
    await expect(reopen()).resolves.toBeUndefined();
  });

  it.each(["..", "A", "a/b", "ab", "", "a."])("refuses the bucket name %s", async (name) => {
    await expect(store.openBucket(name)).rejects.toThrow("bucket name");
  });

  it("clears a bucket", async () => {
    await bucket.putObject("a", {}, chunks("one"));
    await bucket.uploads.create("up", {}, NOW);
    await bucket.clear();
    expect([[...bucket.index.keysFrom("")], bucket.uploads.list()]).toEqual([[], []]);
    await bucket.putObject("a", {}, chunks("two"));
    await restart();
    expect(await readBody("a")).toBe("two");
  });

  it("writes metadata that a person can read", async () => {
    const { versionId } = await bucket.putObject("nix/ü", {}, chunks("one"));
    const file = path.join(directory, "buckets", "b-1", "versions", `${versionId}.json`);
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ key: "nix/ü", sizeBytes: 3 });
  });
});
