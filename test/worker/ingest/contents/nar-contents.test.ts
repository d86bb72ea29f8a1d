import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { parseNarinfo } from "../../../../src/nix/narinfo.ts";
import { createEngines } from "../../../../src/worker/ingest/contents/engine.ts";
import {
  createContentsReader,
  judgeClaim,
  type Judgement,
} from "../../../../src/worker/ingest/contents/nar-contents.ts";
import {
  isUnpackable,
  type UnpackableCompression,
} from "../../../../src/worker/ingest/contents/unpacker.ts";
import {
  joinBytes as join,
  makeNar,
  makePackedPath,
  pack,
} from "../../../../testkit/packed-path.ts";
import { valueOf } from "../../../../testkit/value-of.ts";
import { HASH } from "../../../../testkit/workerd/prepared.ts";

const NAR = makeNar(300_000);
const HALVES = [NAR.subarray(0, 140_000), NAR.subarray(140_000)];
const GARBAGE = new TextEncoder().encode("these bytes are no frame");
/** A frame of no bytes (RFC 8878): its size, and an empty last block. */
const EMPTY_FRAME = new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0, 1, 0, 0]);
const SKIPPABLE = new Uint8Array([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

/** The tests share them, as the pushes of an isolate do. */
const ENGINES = createEngines();

interface Case {
  readonly what: string;
  readonly compression?: UnpackableCompression;
  readonly file: Uint8Array;
}

/** Judges a file as the NAR of a narinfo, in pieces of `pieceBytes`. */
async function judge(
  { compression = "zstd", file }: Omit<Case, "what">,
  claim: { narSize?: number; narHash?: string } = {},
  pieceBytes = 256 * 1024,
): Promise<Judgement & { unpackedBytes: number }> {
  const path = await makePackedPath(HASH, NAR, { compression, file, ...claim });
  const narinfo = valueOf(parseNarinfo(path.narinfo, "/nix/store"));
  const reader = createContentsReader(compression, narinfo.narSize, ENGINES);
  for (let at = 0; at < file.byteLength; at += pieceBytes) {
    if ((await reader.take(file.slice(at, at + pieceBytes))) === "stop") break;
  }
  const judgement = judgeClaim(narinfo, await reader.end());
  return { ...judgement, unpackedBytes: reader.unpackedBytes };
}

const zstd = await pack(NAR, "zstd");
const gzip = await pack(NAR, "gzip");
const br = await pack(NAR, "br");
const halves = async (compression: string) =>
  await Promise.all(HALVES.map(async (half) => await pack(half, compression)));
const [first, second] = (await halves("zstd")) as [Uint8Array, Uint8Array];

/** All bytes of the NAR in a frame without its last block, which is empty. */
async function packWithoutLastBlock(): Promise<Uint8Array> {
  const stream = zlib.createZstdCompress();
  const chunks: Uint8Array[] = [];
  stream.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  stream.write(NAR);
  await new Promise<void>((resolve) => stream.flush(resolve));
  return join(...chunks);
}

const unended = await packWithoutLastBlock();
const checked = await pack(NAR, "zstd", { [zlib.constants.ZSTD_c_checksumFlag]: 1 });
const members = join(...(await halves("gzip")));

describe("the contents of a NAR", () => {
  it.each<Case>([
    { what: "zstd", file: zstd },
    { what: "zstd with a checksum", file: checked },
    { what: "zstd in two frames", file: join(first, second) },
    { what: "zstd behind a skippable frame", file: join(SKIPPABLE, zstd) },
    { what: "zstd before a skippable frame", file: join(zstd, SKIPPABLE) },
    { what: "zstd with an empty frame in it", file: join(EMPTY_FRAME, zstd) },
    { what: "gzip", compression: "gzip", file: gzip },
    {
      what: "gzip in two members",
      compression: "gzip",
      file: members,
    },
    { what: "br", compression: "br", file: br },
    { what: "none", compression: "none", file: NAR },
  ])("are proved: $what", async ({ compression = "zstd", file }) => {
    // Any piece may end within a header, or at the end of a frame.
    for (const pieceBytes of [256 * 1024, 1000, 37, ...(file.byteLength < 300 ? [1] : [])]) {
      expect(await judge({ compression, file }, {}, pieceBytes)).toMatchObject({
        verdict: "proved",
      });
    }
  });

  // The engine unpacks into 64 KiB. What does not fit at the end of the file must not be lost.
  it.each([1, 2, 3])("are proved if they just fill %i buffers", async (buffers) => {
    for (let size = buffers * 65_536 - 8; size <= buffers * 65_536 + 8; size++) {
      for (const nar of [new Uint8Array(size).fill(3), makeNar(size)]) {
        const file = await pack(nar, "zstd");
        const reader = createContentsReader("zstd", size, ENGINES);
        await reader.take(file.subarray(0, -4));
        await reader.take(file.subarray(-4));
        expect(await reader.end()).toMatchObject({ unpacked: { sizeBytes: size } });
      }
    }
  });

  it("are proved where a piece ends with a frame", async () => {
    for (const compression of ["zstd", "gzip"] as const) {
      const [one, two] = (await halves(compression)) as [Uint8Array, Uint8Array];
      const { verdict } = await judge({ compression, file: join(one, two) }, {}, one.byteLength);
      expect(verdict).toBe("proved");
    }
  });

  it.each<Case & { claim: { narSize?: number; narHash?: string }; says: string }>([
    {
      what: "another NarHash",
      file: zstd,
      claim: { narHash: `sha256:${"0".repeat(52)}` },
      says: "other bytes than NarHash",
    },
    {
      what: "a larger NarSize",
      file: zstd,
      claim: { narSize: 300_001 },
      says: "it unpacks to 300000 bytes, and NarSize is 300001",
    },
    {
      what: "a smaller NarSize",
      file: zstd,
      claim: { narSize: 299_999 },
      says: "more than NarSize, 299999",
    },
    { what: "an empty file", file: new Uint8Array(), claim: {}, says: "it unpacks to 0 bytes" },
    {
      what: "a frame that is cut",
      file: zstd.subarray(0, -20),
      claim: {},
      says: "it unpacks to",
    },
    { what: "one of two frames", file: first, claim: {}, says: "140000" },
    {
      what: "a second frame that is cut",
      file: join(first, second.subarray(0, 40)),
      claim: {},
      says: "it unpacks to",
    },
    {
      what: "garbage behind a frame, which is not the whole NAR",
      file: join(first, GARBAGE),
      claim: {},
      says: "other bytes follow",
    },
    {
      what: "br that is cut",
      compression: "br",
      file: br.subarray(0, -20),
      claim: {},
      says: "it unpacks to",
    },
    {
      what: "gzip that is cut",
      compression: "gzip",
      file: gzip.subarray(0, -20),
      claim: {},
      says: "it unpacks to",
    },
  ])("are disproved: $what", async ({ claim, says, ...file }) => {
    for (const pieceBytes of [256 * 1024, 1000]) {
      const judgement = await judge(file, claim, pieceBytes);
      expect(judgement).toMatchObject({
        verdict: "disproved",
        says: expect.stringContaining(says) as unknown,
      });
    }
  });

  it.each<Case>([
    { what: "garbage behind the whole NAR in zstd", file: join(zstd, GARBAGE) },
    { what: "the whole NAR in a frame without an end", file: unended },
    { what: "xz that is named zstd", file: new Uint8Array([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0]) },
    { what: "no compression, named gzip", compression: "gzip", file: NAR },
    {
      what: "garbage behind gzip",
      compression: "gzip",
      file: join(gzip, GARBAGE),
    },
    { what: "garbage behind br", compression: "br", file: join(br, GARBAGE) },
  ])("are refused, and disprove nothing: $what", async (file) => {
    expect(await judge(file)).toMatchObject({ verdict: "refused" });
  });

  it.each([
    { what: "128 MiB", log: 27, verdict: "unknown" },
    { what: "16 MiB", log: 24, verdict: "unknown" },
    { what: "8 MiB", log: 23, verdict: "proved" },
  ])("zstd that needs $what of memory is $verdict", async ({ log, verdict }) => {
    const file = await pack(NAR, "zstd", { [zlib.constants.ZSTD_c_windowLog]: log });
    expect(await judge({ file })).toMatchObject({ verdict });
  });

  it.each([
    { lgwin: 24, verdict: "unknown" },
    { lgwin: 23, verdict: "proved" },
    { lgwin: 16, verdict: "proved" },
    { lgwin: 10, verdict: "proved" },
  ])("br with a window of 2^$lgwin bytes is $verdict", async ({ lgwin, verdict }) => {
    const file = await pack(NAR, "br", { [zlib.constants.BROTLI_PARAM_LGWIN]: lgwin });
    expect(await judge({ compression: "br", file })).toMatchObject({ verdict });
  });

  it.each(["zstd", "gzip", "br"] as const)("a bomb in %s stops at NarSize", async (compression) => {
    const file = await pack(new Uint8Array(64 * 1024 * 1024), compression);
    const judgement = await judge({ compression, file }, { narSize: 1024 });
    expect(judgement.verdict).toBe("disproved");
    expect(judgement.unpackedBytes).toBeLessThan(128 * 1024);
  });

  it("a file of very many frames is not unpacked to its end", async () => {
    const length = 101 * EMPTY_FRAME.byteLength;
    const file = new Uint8Array(length);
    for (let at = 0; at < length; at += EMPTY_FRAME.byteLength) file.set(EMPTY_FRAME, at);
    expect(await judge({ file }, { narSize: 5 })).toMatchObject({
      verdict: "unknown",
      says: "it has too many frames",
    });
  });

  it("knows which compressions can be unpacked", () => {
    const all = [
      "none",
      "zstd",
      "gzip",
      "br",
      "xz",
      "bzip2",
      "lzip",
      "lz4",
      "compress",
      "toString",
    ];
    expect(all.filter((one) => isUnpackable(one))).toEqual(["none", "zstd", "gzip", "br"]);
  });

  it("a NAR that was stopped at a smaller NarSize says nothing about a larger one", async () => {
    const { narinfo } = await makePackedPath(HASH, NAR);
    const claim = valueOf(parseNarinfo(narinfo, "/nix/store"));
    const judgement = judgeClaim(claim, {
      kind: "other-size",
      narSize: 1000,
      says: "more",
    });
    expect(judgement.verdict).toBe("unknown");
  });
});
