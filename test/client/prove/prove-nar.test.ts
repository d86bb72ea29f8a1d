import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import zlib from "node:zlib";
import { describe, expect, it } from "vitest";
import { Unreachable } from "../../../src/client/gateway/http-client.ts";
import { proveNar } from "../../../src/client/prove/prove-nar.ts";
import { encodeNix32 } from "../../../src/nix/encodings.ts";
import { formatNarinfo, parseNarinfo } from "../../../src/nix/narinfo.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const NAR = Buffer.from("the bytes of a NAR, ".repeat(10_000));
const CONTEXT = createTestContext();

/** Packs with a program, or undefined if this machine lacks it. */
function packWith(program: string, ...args: readonly string[]) {
  const { status, stdout } = spawnSync(program, args, { input: NAR });
  return status === 0 ? stdout : undefined;
}

function narinfoOf(nar: Buffer, compression: string, narSize = nar.byteLength) {
  const digest = encodeNix32(createHash("sha256").update(nar).digest());
  const text = [
    "StorePath: /nix/store/qbcwwxhwrljkgl8dxb6hqwvvv3x1wbw8-hello",
    "URL: nar/x.nar",
    `Compression: ${compression}`,
    `NarHash: sha256:${digest}`,
    `NarSize: ${narSize}`,
    "",
  ].join("\n");
  return valueOf(parseNarinfo(text, "/nix/store"));
}

async function* breaking() {
  yield NAR.subarray(0, 100);
  throw new Unreachable("cannot reach bucket: reset");
}

function* endless() {
  for (;;) yield Buffer.alloc(64 * 1024);
}

interface Served {
  readonly chunks: Iterable<Uint8Array>;
  readonly status?: number;
}

/** Serves a NAR file, and counts what was read of it. */
function serving({ chunks, status = 200 }: Served) {
  const read = { bytes: 0, cancelled: 0 };
  async function* body() {
    for (const chunk of chunks) {
      read.bytes += chunk.byteLength;
      yield chunk;
    }
  }
  return {
    read,
    download: async () => ({ status, body: body(), cancel: () => void read.cancelled++ }),
  };
}

const prove = (
  file: Uint8Array,
  compression: string,
  narinfo = narinfoOf(NAR, compression),
  context = CONTEXT,
) => proveNar(narinfo, serving({ chunks: [file] }), context);

describe("proveNar", () => {
  it.each([
    { compression: "none", file: NAR },
    { compression: "zstd", file: zlib.zstdCompressSync(NAR) },
    { compression: "gzip", file: zlib.gzipSync(NAR) },
    { compression: "br", file: zlib.brotliCompressSync(NAR) },
    { compression: "xz", file: packWith("xz", "-c") },
    { compression: "lzma", file: packWith("xz", "-c", "--format=lzma") },
    { compression: "bzip2", file: packWith("bzip2", "-c") },
    { compression: "lz4", file: packWith("lz4", "-c") },
    { compression: "lzip", file: packWith("lzip", "-c") },
  ])("proves $compression, and finds a wrong byte", async ({ compression, file }) => {
    if (file === undefined) return;
    expect(await prove(file, compression)).toEqual({ verdict: "proved", says: "" });
    const other = narinfoOf(Buffer.concat([NAR.subarray(1), Buffer.from("x")]), compression);
    expect(await prove(file, compression, other)).toEqual({
      verdict: "wrong-contents",
      says: "its hash is not NarHash",
    });
  });

  it("proves a zstd file of several frames", async () => {
    const half = NAR.byteLength / 2;
    const frames = [NAR.subarray(0, half), NAR.subarray(half)].map((part) =>
      zlib.zstdCompressSync(part),
    );
    const proof = await prove(Buffer.concat(frames), "zstd");
    const hasZstd = packWith("zstd", "-c") !== undefined;
    expect(proof.verdict).toBe(hasZstd ? "proved" : "not-proved");
  });

  it.each(["zstd", "gzip", "br", "xz", "bzip2"])(
    "finds that a %s file is cut",
    async (compression) => {
      const files: Record<string, Buffer | undefined> = {
        zstd: zlib.zstdCompressSync(NAR),
        gzip: zlib.gzipSync(NAR),
        br: zlib.brotliCompressSync(NAR),
        xz: packWith("xz", "-c"),
        bzip2: packWith("bzip2", "-c"),
      };
      const file = files[compression];
      if (file === undefined) return;
      const cut = file.subarray(0, file.byteLength - 20);
      expect((await prove(cut, compression)).verdict).toBe("wrong-contents");
    },
  );

  it.each([
    { program: "zstd", args: ["--ultra", "-19", "--long=28", "-c"], verdict: "proved" },
    { program: "zstd", args: ["--ultra", "-19", "--long=31", "-c"], verdict: "not-proved" },
    { program: "xz", args: ["--lzma2=dict=1GiB", "-c"], verdict: "not-proved" },
  ])("takes no NAR for wrong that needs much memory: $program $args", async (one) => {
    const { program, args, verdict } = one;
    const file = packWith(program, ...args);
    if (file === undefined) return;
    expect((await prove(file, program)).verdict).toBe(verdict);
  });

  it("takes no NAR for wrong if its program is killed or cannot be started", async () => {
    const directory = await temporaryDirectory();
    const env = { PATH: directory };
    const context = createTestContext({ env });
    await writeFile(join(directory, "xz"), "#!/bin/sh\nkill -9 $$\n", { mode: 0o755 });
    await writeFile(join(directory, "bzip2"), "x", { mode: 0o644 });
    expect(await prove(NAR, "xz", narinfoOf(NAR, "xz"), context)).toEqual({
      verdict: "not-proved",
      says: "xz got SIGKILL",
    });
    const { verdict } = await prove(NAR, "bzip2", narinfoOf(NAR, "bzip2"), context);
    expect(verdict).toBe("not-proved");
  });

  it.each(["none", "zstd", "xz"])("has no verdict at Ctrl-C: %s", async (compression) => {
    const controller = new AbortController();
    const context = createTestContext({ signal: controller.signal });
    async function* body() {
      yield NAR.subarray(0, 10);
      controller.abort(new Error("interrupted"));
      throw new Error("interrupted");
    }
    const download = async () => ({ status: 200, body: body(), cancel: () => {} });
    const narinfo = narinfoOf(NAR, compression);
    await expect(proveNar(narinfo, { download }, context)).rejects.toThrow("interrupted");
  });

  it("finds that a file has not the hash of its name or of FileHash", async () => {
    const file = zlib.zstdCompressSync(NAR);
    const right = encodeNix32(createHash("sha256").update(file).digest());
    const wrong = encodeNix32(createHash("sha256").update("x").digest());
    const withFile = (url: string, fileHash: string) => {
      const text = formatNarinfo(narinfoOf(NAR, "zstd"))
        .replace("URL: nar/x.nar", `URL: nar/${url}.nar.zst`)
        .replace("NarHash:", `FileHash: sha256:${fileHash}\nNarHash:`);
      return valueOf(parseNarinfo(text, "/nix/store"));
    };
    const says = async (url: string, fileHash: string) =>
      (await prove(file, "zstd", withFile(url, fileHash))).says;
    expect(await says(right, right)).toBe("");
    expect(await says(wrong, right)).toBe("its file has not the hash that is its name");
    expect(await says(right, wrong)).toBe("its file has not the hash FileHash");
    expect(await says("x", right)).toBe("");
  });

  it("finds that a file is no compressed file at all", async () => {
    for (const compression of ["zstd", "gzip", "xz", "bzip2"]) {
      const proof = await prove(Buffer.from("<html>sorry</html>"), compression);
      expect(proof.verdict, compression).toBe("wrong-contents");
    }
  });

  it.each([
    { compression: "gzip", pack: zlib.gzipSync },
    { compression: "zstd", pack: zlib.zstdCompressSync },
    {
      compression: "br",
      // The default quality takes seconds for 64 MB.
      pack: (input: Buffer) =>
        zlib.brotliCompressSync(input, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 3 } }),
    },
    { compression: "xz", pack: (input: Buffer) => spawnSync("xz", ["-0c"], { input }).stdout },
  ])("stops at the first byte too many of a $compression bomb", async ({ compression, pack }) => {
    // 64 MB of zeros in a few KB.
    const bomb = pack(Buffer.alloc(64 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    const served = serving({ chunks: [bomb] });
    const narinfo = narinfoOf(NAR, compression);
    const startedAt = performance.now();
    expect(await proveNar(narinfo, served, CONTEXT)).toEqual({
      verdict: "wrong-contents",
      says: `it unpacks to more than the ${NAR.byteLength} bytes of NarSize`,
    });
    expect(served.read.cancelled).toBe(1);
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(48 * 1024 * 1024);
  });

  it("reads no more of an endless file than it needs", async () => {
    const served = serving({ chunks: endless() });
    const proof = await proveNar(narinfoOf(NAR, "none"), served, CONTEXT);
    expect(proof.verdict).toBe("wrong-contents");
    expect(served.read.bytes).toBeLessThan(1024 * 1024);
  });

  it("says which program is missing", async () => {
    const context = createTestContext({ env: { PATH: "/nonexistent" } });
    expect(await prove(NAR, "xz", narinfoOf(NAR, "xz"), context)).toEqual({
      verdict: "not-proved",
      says: "xz is not on the PATH. Install it, and run the command again",
    });
    expect(await prove(NAR, "lrzip")).toEqual({
      verdict: "not-proved",
      says: "nargate cannot unpack lrzip",
    });
  });

  it("tries again if the download breaks, and never takes that for wrong contents", async () => {
    let attempts = 0;
    for (const compression of ["none", "gzip", "xz"]) {
      attempts = 0;
      const download = async () => {
        attempts++;
        return { status: 200, body: breaking(), cancel: () => {} };
      };
      expect(await proveNar(narinfoOf(NAR, compression), { download }, CONTEXT)).toEqual({
        verdict: "not-proved",
        says: "cannot reach bucket: reset",
      });
      expect(attempts).toBe(4);
    }
  });

  it("does not take an absent NAR for wrong contents", async () => {
    const served = serving({ chunks: [], status: 404 });
    expect((await proveNar(narinfoOf(NAR, "none"), served, CONTEXT)).verdict).toBe("not-proved");
  });
});
