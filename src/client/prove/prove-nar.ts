import { createHash } from "node:crypto";
import { retryPauseMilliseconds } from "../../http/retry.ts";
import { equalHashes } from "../../nix/hash.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { describeError } from "../client-error.ts";
import { Unreachable } from "../gateway/http-client.ts";
import type { ProcessContext } from "../process-context.ts";
import { findFalseHash, type NarSource } from "./file-hash.ts";
import { needsMoreMemory, NoUnpacker, unpackNar } from "./unpack-nar.ts";

/** Whether a NAR is what its narinfo says. */
export interface NarProof {
  /** `wrong-file-hash`: the contents are right, and the file has not the hash of FileHash or its name. */
  readonly verdict: "proved" | "wrong-contents" | "wrong-file-hash" | "not-proved";
  /** The reason, for people. Empty if the NAR is proved. */
  readonly says: string;
}

/** Each attempt reads the NAR from its start. */
const ATTEMPTS = 4;

/**
 * Downloads and unpacks a NAR, and compares its size and hash with NarSize and NarHash,
 * and the hash of the file with FileHash and with the name of the file. Keeps nothing of it,
 * and stops at the first byte beyond NarSize: a small file can unpack to terabytes. Throws
 * only if the signal of the context aborts.
 */
export async function proveNar(
  narinfo: Narinfo,
  paths: NarSource,
  context: ProcessContext,
): Promise<NarProof> {
  for (let attempt = 1; ; attempt++) {
    try {
      const proof = await readOnce(narinfo, paths, context);
      // An end of the command ends the unpacking too, which then looks like a damaged file.
      context.signal.throwIfAborted();
      return proof;
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof Unreachable) || attempt >= ATTEMPTS) {
        return { verdict: "not-proved", says: describeError(error) };
      }
    }
    await context.sleep(retryPauseMilliseconds(attempt, undefined, context.random));
  }
}

async function readOnce(
  narinfo: Narinfo,
  paths: NarSource,
  context: ProcessContext,
): Promise<NarProof> {
  const { compression } = narinfo;
  const proof = await readAs(compression, narinfo, paths, context);
  // A compressor with several threads, such as pzstd, writes several frames. `zstd --long=28`
  // takes a window for which Node has no room.
  if (compression !== "zstd" || proof !== "unfinished") return named(proof);
  return named(await readAs("zstd frames", narinfo, paths, context));
}

async function readAs(
  compression: string,
  narinfo: Narinfo,
  paths: NarSource,
  context: ProcessContext,
): Promise<NarProof | "unfinished"> {
  const download = await paths.download(narinfo);
  const fileHash = createHash("sha256");
  let isWhole = false;
  async function* file() {
    for await (const chunk of download.body) {
      fileHash.update(chunk);
      yield chunk;
    }
    isWhole = true;
  }
  try {
    if (download.status !== 200) {
      return { verdict: "not-proved", says: `the answer to its NAR was ${download.status}` };
    }
    const proof = await compare(unpackNar(file(), compression, context), narinfo);
    if (proof === "unfinished" || proof.verdict !== "proved" || !isWhole) return proof;
    const says = findFalseHash(narinfo, fileHash.digest());
    return says === undefined ? proof : { verdict: "wrong-file-hash", says };
  } finally {
    download.cancel();
  }
}

function named(proof: NarProof | "unfinished"): NarProof {
  return proof === "unfinished" ? wrong("it unpacks to less than NarSize") : proof;
}

async function compare(
  nar: AsyncIterable<Uint8Array>,
  { narHash, narSize }: Narinfo,
): Promise<NarProof | "unfinished"> {
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for await (const chunk of nar) {
      bytes += chunk.byteLength;
      if (bytes > narSize) return wrong(`it unpacks to more than the ${narSize} bytes of NarSize`);
      hash.update(chunk);
    }
  } catch (error) {
    if (error instanceof Unreachable || error instanceof NoUnpacker) throw error;
    if (needsMoreMemory(error)) return "unfinished";
    return wrong(`it cannot be unpacked: ${describeError(error)}`);
  }
  if (bytes < narSize) return "unfinished";
  return equalHashes(narHash, { algorithm: "sha256", bytes: hash.digest() })
    ? { verdict: "proved", says: "" }
    : wrong("its hash is not NarHash");
}

function wrong(says: string): NarProof {
  return { verdict: "wrong-contents", says };
}
