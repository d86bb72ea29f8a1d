import { createHash, randomBytes } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { formatFileNar } from "../../../src/client/local-nix/format-file-nar.ts";
import type { PathInfo } from "../../../src/client/local-nix/path-info.ts";
import { type PackCompression, packNar } from "../../../src/client/push/pack-nar.ts";
import { createSpoolMemory, type Spool, type SpoolMemory } from "../../../src/client/push/spool.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { formatHash } from "../../../src/nix/hash.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

const BASE_NAME = `${"a".repeat(32)}-thing`;

function infoOf(nar: Buffer): PathInfo {
  const storePath = parseStorePathBaseName(BASE_NAME);
  if (!storePath.ok) throw new Error(storePath.error);
  return {
    path: storePath.value,
    narHash: { algorithm: "sha256", bytes: createHash("sha256").update(nar).digest() },
    narSize: nar.byteLength,
    references: [],
    deriver: undefined,
    signatures: [],
    contentAddress: undefined,
    isUltimate: true,
  };
}

interface Setting {
  /** The NAR that a fake of Nix prints. */
  readonly dumped?: Buffer;
  readonly script?: string;
  /** A file of the store, which this process can read. */
  readonly contents?: string;
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
  readonly onPacked?: (bytes: number) => void;
}

/** Packs a path, by default one that only Nix can read. */
async function pack(
  info: PathInfo,
  setting: Setting,
  compression: PackCompression = "zstd",
  withListing = true,
) {
  const { dumped = "", script = 'exec cat "$NAR"', contents, memoryBytes = 1e9 } = setting;
  const { signal = new AbortController().signal, onPacked } = setting;
  const root = await temporaryDirectory();
  const directory = path.join(root, "store");
  const bin = path.join(root, "bin");
  await mkdir(directory);
  await mkdir(bin);
  const NAR = path.join(root, "nar");
  await writeFile(NAR, dumped);
  if (contents !== undefined) await writeFile(path.join(directory, BASE_NAME), contents);
  await writeFile(path.join(bin, "nix"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = { PATH: `${bin}:${process.env["PATH"]}`, NAR };
  const context = createTestContext({ cwd: root, env, signal });
  const progress: number[] = [];
  const memory = createSpoolMemory(memoryBytes);
  const nar = await packNar(
    info,
    {
      store: { url: undefined, storeDir: "/nix/store", directory },
      compression,
      compressionLevel: 3,
      withListing,
      memory,
      spoolDirectory: root,
    },
    context,
    (bytes) => {
      progress.push(bytes);
      onPacked?.(bytes);
    },
  ).catch((error: unknown) => {
    expectAllFree(memory, memoryBytes);
    throw error;
  });
  const file = await read(nar.spool);
  const listing = nar.listing?.ok === true ? await read(nar.listing.value) : nar.listing;
  await nar.close();
  expectAllFree(memory, memoryBytes);
  return { nar, file, progress, listing: listing?.toString() };
}

function expectAllFree(memory: SpoolMemory, bytes: number): void {
  expect(memory.take(bytes)).toBe(true);
}

async function read(spool: Spool): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of spool.slice(0, spool.sizeBytes).open()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const TEXT = Buffer.from("some text that repeats. ".repeat(40_000));

describe("packNar", () => {
  it("makes a file that unpacks to the NAR and is named after its hash", async () => {
    const { nar, file, progress } = await pack(infoOf(TEXT), { dumped: TEXT });
    expect(zlib.zstdDecompressSync(file)).toEqual(TEXT);
    expect(nar.fileSize).toBe(file.byteLength);
    const hash = {
      algorithm: "sha256",
      bytes: createHash("sha256").update(file).digest(),
    } as const;
    expect(formatHash(nar.fileHash, "nix32")).toBe(formatHash(hash, "nix32"));
    expect(nar.key.path).toBe(`nar/${formatHash(hash, "nix32").slice(7)}.nar.zst`);
    expect(progress.at(-1)).toBe(TEXT.byteLength);
  });

  it("leaves the NAR as it is without compression", async () => {
    const { nar, file } = await pack(infoOf(TEXT), { dumped: TEXT }, "none");
    expect(file).toEqual(TEXT);
    expect(nar.key.path).toMatch(/^nar\/[0-9a-z]{52}\.nar$/);
  });

  it("makes the same bytes however the dump comes in, from memory and from a file", async () => {
    const contents = Buffer.concat([randomBytes(300_000), TEXT]);
    const info = infoOf(contents);
    const whole = await pack(info, { dumped: contents });
    const pieces = await pack(info, {
      dumped: contents,
      script: 'dd if="$NAR" bs=777 2>/dev/null',
    });
    const fromFile = await pack(info, { dumped: contents, memoryBytes: 1000 });
    expect(pieces.file).toEqual(whole.file);
    expect(fromFile.file).toEqual(whole.file);
  });

  it.each([
    { what: "other bytes", dumped: Buffer.from(TEXT).fill("x", 0, 1) },
    { what: "too few bytes", dumped: TEXT.subarray(1) },
    { what: "too many bytes", dumped: Buffer.concat([TEXT, TEXT]) },
  ])("refuses $what than the database promises", async ({ dumped }) => {
    for (const compression of ["zstd", "none"] as const) {
      await expect(pack(infoOf(TEXT), { dumped }, compression)).rejects.toThrow(
        "differ from the store's database",
      );
    }
  });

  it("tells why a dump failed, rather than that it is short", async () => {
    const script =
      'head -c 1000 "$NAR"; echo "error: getting status of x: No such file" >&2; exit 1';
    await expect(pack(infoOf(TEXT), { dumped: TEXT, script })).rejects.toThrow(
      "nix: error: getting status of x: No such file",
    );
  });

  it.each([
    { what: "a small file", text: "contents" },
    { what: "a NAR of exactly one block", text: "b".repeat(128 * 1024 - 112) },
    { what: "a NAR of one block and a bit", text: "c".repeat(128 * 1024 - 111) },
    { what: "a large file", text: "some text that repeats. ".repeat(40_000) },
  ])("makes of $what the same file as of the dump by Nix", async ({ text }) => {
    const dumped = formatFileNar(text);
    for (const compression of ["zstd", "none"] as const) {
      const script = "exit 1";
      const own = await pack(infoOf(dumped), { contents: text, script }, compression);
      const byNix = await pack(infoOf(dumped), { dumped }, compression);
      expect(own.file.equals(byNix.file)).toBe(true);
      expect(own.nar.key).toEqual(byNix.nar.key);
      expect(own.progress.at(-1)).toBe(dumped.byteLength);
      expect(JSON.parse(own.listing ?? "")).toEqual({
        version: 1,
        root: { type: "regular", size: text.length, narOffset: 96 },
      });
      expect(byNix.listing).toBeUndefined();
    }
  });

  it("writes no listing if none is wanted", async () => {
    const info = infoOf(formatFileNar("x"));
    expect((await pack(info, { contents: "x" }, "zstd", false)).listing).toBeUndefined();
  });

  it("refuses files that differ from the database", async () => {
    const info = infoOf(formatFileNar("right"));
    for (const contents of ["wrong", "", "much longer than it was"]) {
      const packing = pack(info, { contents, script: "echo asked Nix >&2; exit 1" });
      await expect(packing).rejects.toThrow("differ from the store's database");
    }
  });

  it("ends at Ctrl-C and leaves nothing behind", async () => {
    const contents = "x".repeat(20e6);
    const info = infoOf(formatFileNar(contents));
    const controller = new AbortController();
    const { signal } = controller;
    const onPacked = () => controller.abort(new Error("interrupted"));
    for (const compression of ["zstd", "none"] as const) {
      const packing = pack(info, { contents, signal, onPacked }, compression);
      await expect(packing).rejects.toThrow("interrupted");
    }
  });
});
