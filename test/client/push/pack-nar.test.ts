import { createHash, randomBytes } from "node:crypto";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import type { PathInfo } from "../../../src/client/local-nix/path-info.ts";
import { type PackCompression, packNar } from "../../../src/client/push/pack-nar.ts";
import { createSpoolMemory } from "../../../src/client/push/spool.ts";
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
  /** The output of `nix-store --dump`, for which a fake prints the file itself. */
  readonly dumped: Buffer;
  readonly script?: string;
  readonly memoryBytes?: number;
}

async function pack(
  info: PathInfo,
  { dumped, script = 'exec cat "$2"', memoryBytes = 1e9 }: Setting,
  compression: PackCompression = "zstd",
) {
  const root = await temporaryDirectory();
  const directory = path.join(root, "store");
  const bin = path.join(root, "bin");
  await mkdir(directory);
  await mkdir(bin);
  await writeFile(path.join(directory, BASE_NAME), dumped);
  await writeFile(path.join(bin, "nix-store"), `#!/bin/sh\n${script}\n`);
  await chmod(path.join(bin, "nix-store"), 0o755);
  const context = createTestContext({ cwd: root, env: { PATH: `${bin}:${process.env["PATH"]}` } });
  const progress: number[] = [];
  const nar = await packNar(
    info,
    {
      store: { url: undefined, storeDir: "/nix/store", directory },
      compression,
      compressionLevel: 3,
      memory: createSpoolMemory(memoryBytes),
      spoolDirectory: root,
    },
    context,
    (bytes) => progress.push(bytes),
  );
  const chunks: Uint8Array[] = [];
  for await (const chunk of nar.spool.slice(0, nar.fileSize).open()) chunks.push(chunk);
  await nar.spool.close();
  return { nar, file: Buffer.concat(chunks), progress };
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
    const pieces = await pack(info, { dumped: contents, script: 'dd if="$2" bs=777 2>/dev/null' });
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
    const script = 'head -c 1000 "$2"; echo "error: getting status of x: No such file" >&2; exit 1';
    await expect(pack(infoOf(TEXT), { dumped: TEXT, script })).rejects.toThrow(
      "nix-store: error: getting status of x: No such file",
    );
  });
});
