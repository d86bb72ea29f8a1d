import { encodeNix32 } from "../../src/nix/encodings.ts";
import { sizeOfPart } from "../../src/worker/ingest/direct/part-plan.ts";
import type { NarKey } from "../../src/nix/object-key.ts";
import { keyOf } from "./b2.ts";
import { sha256Hex } from "../sha256-hex.ts";
import { makeBytes } from "../store-path.ts";

const MIB = 1024 * 1024;

/** A NAR that goes up in two parts. */
export interface LargeNar {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly key: NarKey;
  readonly fileHash: string;
  readonly sha256: string;
  /** The bytes of part `number`. */
  part(number: number): Uint8Array<ArrayBuffer>;
}

const made = new Map<number, Promise<LargeNar>>();

/** Made once for each seed: to make and to hash 17 MiB takes a while. */
export function makeLargeNar(seed = 1): Promise<LargeNar> {
  const known = made.get(seed) ?? make(seed);
  made.set(seed, known);
  return known;
}

async function make(seed: number): Promise<LargeNar> {
  const bytes = makeBytes(16 * MIB + 1000, seed);
  const sha256 = await sha256Hex(bytes);
  const fileHash = encodeNix32(Uint8Array.fromHex(sha256));
  return {
    bytes,
    sha256,
    fileHash,
    key: keyOf("nar", `nar/${fileHash}.nar.zst`),
    part: (number) => cutPart(bytes, number),
  };
}

export function cutPart(bytes: Uint8Array<ArrayBuffer>, number: number): Uint8Array<ArrayBuffer> {
  const start = (number - 1) * sizeOfPart(1, bytes.byteLength);
  return bytes.subarray(start, start + sizeOfPart(number, bytes.byteLength));
}
