import { once } from "node:events";
import type { Transform } from "node:stream";
import zlib from "node:zlib";
import { encodeNix32 } from "../src/nix/encodings.ts";
import { sha256Hex } from "./sha256-hex.ts";
import { makeBytes, NAR_HEAD } from "./store-path.ts";

/** A made-up store path with a compressed NAR. */
export interface PackedPath {
  readonly hash: string;
  readonly narPath: string;
  readonly file: Uint8Array<ArrayBuffer>;
  readonly narinfoPath: string;
  readonly narinfo: string;
}

interface Options {
  readonly compression?: string;
  /** The NAR file. If it is not given, it is `nar`, compressed. */
  readonly file?: Uint8Array;
  /** What the narinfo says instead of the truth. */
  readonly narHash?: string;
  readonly narSize?: number;
  readonly references?: string;
}

type Params = Readonly<Record<number, number>>;

const { ZSTD_c_compressionLevel, BROTLI_PARAM_LGWIN, BROTLI_PARAM_QUALITY } = zlib.constants;

/** The result must fit `chunkSize`, or the compressor of workerd may fail at its end. */
function createPacker(compression: string, params: Params, chunkSize: number): Transform {
  switch (compression) {
    case "zstd":
      return zlib.createZstdCompress({
        chunkSize,
        params: { [ZSTD_c_compressionLevel]: 3, ...params },
      });
    case "gzip":
      return zlib.createGzip({ chunkSize });
    case "br":
      // The window that Nix uses.
      return zlib.createBrotliCompress({
        chunkSize,
        params: { [BROTLI_PARAM_LGWIN]: 22, [BROTLI_PARAM_QUALITY]: 5, ...params },
      });
    default:
      throw new Error(`the tests cannot pack ${compression}`);
  }
}

/** Compresses as a stream does, where the beginning of the file does not tell the size of the NAR. */
export async function pack(
  nar: Uint8Array,
  compression: string,
  params: Params = {},
): Promise<Uint8Array<ArrayBuffer>> {
  if (compression === "none") return Uint8Array.from(nar);
  const packer = createPacker(compression, params, 2 * nar.byteLength + 4096);
  const chunks: Uint8Array[] = [];
  packer.on("data", (chunk: Uint8Array) => chunks.push(chunk));
  const ended = once(packer, "end");
  packer.end(nar);
  await ended;
  return joinBytes(...chunks);
}

export function joinBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  zstd: ".zst",
  br: ".br",
  xz: ".xz",
  bzip2: ".bz2",
};

/** Bytes that begin as a NAR, and of which some compress well. */
export function makeNar(sizeBytes: number, seed = 1): Uint8Array<ArrayBuffer> {
  const nar = makeBytes(sizeBytes, seed);
  nar.fill(7, Math.floor(sizeBytes / 2));
  nar.set(new TextEncoder().encode(NAR_HEAD).subarray(0, sizeBytes));
  return nar;
}

export async function makePackedPath(
  hash: string,
  nar: Uint8Array,
  options: Options = {},
): Promise<PackedPath> {
  const { compression = "zstd", narSize = nar.byteLength, references = "" } = options;
  const file = Uint8Array.from(options.file ?? (await pack(nar, compression)));
  const fileHash = await nix32Of(file);
  const narHash = options.narHash ?? `sha256:${await nix32Of(Uint8Array.from(nar))}`;
  const narPath = `/nar/${fileHash}.nar${EXTENSIONS[compression] ?? ""}`;
  const narinfo = [
    `StorePath: /nix/store/${hash}-thing`,
    `URL: ${narPath.slice(1)}`,
    `Compression: ${compression}`,
    `FileHash: sha256:${fileHash}`,
    `FileSize: ${file.byteLength}`,
    `NarHash: ${narHash}`,
    `NarSize: ${narSize}`,
    `References: ${references}`,
    "",
  ].join("\n");
  return { hash, narPath, file, narinfoPath: `/${hash}.narinfo`, narinfo };
}

async function nix32Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return encodeNix32(Uint8Array.fromHex(await sha256Hex(bytes)));
}
