import { encodeNix32 } from "../src/nix/encodings.ts";
import { formatFingerprint } from "../src/nix/fingerprint.ts";
import { parseNarinfo } from "../src/nix/narinfo.ts";
import { parseSecretKey, signMessage } from "../src/nix/signature.ts";
import { sha256Hex } from "./sha256-hex.ts";

/** A made-up store path, as far as a cache can tell it from a real one. */
export interface FakeStorePath {
  readonly hash: string;
  readonly narPath: string;
  readonly nar: Uint8Array<ArrayBuffer>;
  readonly narinfoPath: string;
  readonly narinfo: string;
}

interface Options {
  readonly name?: string;
  readonly sizeBytes?: number;
  readonly signWith?: readonly string[];
  readonly references?: readonly string[];
  /** What makes its contents differ. */
  readonly seed?: number;
}

/** The first bytes of every NAR. */
export const NAR_HEAD = "\r\0\0\0\0\0\0\0nix-archive-1\0\0\0";

/** Uncompressed, so that its NAR hash is its file hash. */
export async function makeStorePath(hash: string, options: Options = {}): Promise<FakeStorePath> {
  const { name = "thing", sizeBytes = 1000, signWith = [], references = [], seed = 1 } = options;
  const nar = makeBytes(sizeBytes, seed);
  if (sizeBytes >= NAR_HEAD.length) nar.set(new TextEncoder().encode(NAR_HEAD));
  const fileHash = encodeNix32(Uint8Array.fromHex(await sha256Hex(nar)));
  const narPath = `/nar/${fileHash}.nar`;
  const lines = [
    `StorePath: /nix/store/${hash}-${name}`,
    `URL: ${narPath.slice(1)}`,
    "Compression: none",
    `FileHash: sha256:${fileHash}`,
    `FileSize: ${sizeBytes}`,
    `NarHash: sha256:${fileHash}`,
    `NarSize: ${sizeBytes}`,
    `References: ${references.join(" ")}`,
  ];
  const unsigned = `${lines.join("\n")}\n`;
  const signatures = await Promise.all(signWith.map((key) => sign(unsigned, key)));
  const narinfo = unsigned + signatures.map((signature) => `Sig: ${signature}\n`).join("");
  return { hash, narPath, nar, narinfoPath: `/${hash}.narinfo`, narinfo };
}

async function sign(narinfo: string, secretKey: string): Promise<string> {
  const parsed = parseNarinfo(narinfo, "/nix/store");
  const key = parseSecretKey(secretKey);
  if (!parsed.ok || !key.ok) throw new Error("the test data is wrong");
  return await signMessage(key.value, formatFingerprint(parsed.value, "/nix/store"));
}

/** Bytes that look random and are the same in every run (a linear congruential generator). */
export function makeBytes(sizeBytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(sizeBytes);
  let state = seed >>> 0;
  for (let index = 0; index < sizeBytes; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[index] = state >>> 24;
  }
  return bytes;
}
