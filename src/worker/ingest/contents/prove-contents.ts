import { formatHash } from "../../../nix/hash.ts";
import type { Narinfo } from "../../../nix/narinfo.ts";
import { type NarKey, parseNarUrl } from "../../../nix/object-key.ts";
import { CacheError } from "../../cache-error.ts";
import type { Push } from "../push-context.ts";
import { readBack, type ReadingOptions } from "../read-back.ts";
import { keepUnfinished, noteContents, recallContents, takeUnfinished } from "./known-contents.ts";
import {
  type ContentsReader,
  createContentsReader,
  judgeClaim,
  type Judgement,
  type NarContents,
} from "./nar-contents.ts";
import { isUnpackable } from "./unpacker.ts";

/** The work that one push of a narinfo may spend on NARs. */
export interface ProofLimits extends Pick<ReadingOptions, "stallMilliseconds"> {
  /** Nix waits 300 s for an answer. */
  readonly milliseconds: number;
  /** Unpacked bytes. */
  readonly bytes: number;
}

/**
 * 4 GiB take some 6 to 12 s of CPU (docs/performance.md). The paid plan of Workers allows
 * 30 s for a request, if nothing else is said.
 */
export const PROOF_LIMITS: ProofLimits = {
  milliseconds: 200_000,
  bytes: 4 * 1024 ** 3,
  stallMilliseconds: 20_000,
};

/** Judges narinfos by what their NARs hold, within the limits of one push. */
export interface ContentsProver {
  /**
   * Unpacks the NAR of a narinfo, if nobody has done so a moment ago. `isStored` says that
   * the bucket holds a NAR of the FileHash and FileSize of the narinfo. `onProgress` is
   * called often. Throws `proof-unfinished` when a limit is reached: another push goes on
   * from there. Throws `nar-absent` if the NAR is gone. A failure of the bucket is thrown,
   * and is never a verdict (law 5).
   */
  prove(narinfo: Narinfo, isStored: boolean, onProgress: () => void): Promise<Judgement>;
}

export function createContentsProver(push: Push, limits: ProofLimits): ContentsProver {
  const now = () => push.clock.now().getTime();
  const deadline = now() + limits.milliseconds;
  const known = new Map<string, NarContents>();
  let bytesLeft = limits.bytes;

  async function unpack(
    nar: NarKey,
    { compression, narSize }: Narinfo,
    onProgress: () => void,
  ): Promise<NarContents> {
    if (!isUnpackable(compression)) {
      return { kind: "unknown", says: `the gateway cannot unpack ${compression}` };
    }
    const { path } = nar;
    const place = await push.buffers.proofs.acquire(push.by);
    try {
      // Another push may have unpacked it while this one waited for its place.
      const done = recallContents(nar, compression, push);
      if (done !== undefined && !isOfOtherClaim(done, narSize)) return done;
      const kept = takeUnfinished(nar, compression, narSize, push);
      const reader =
        kept?.reader ?? createContentsReader(compression, narSize, push.memory.contents.engines);
      const reading = kept?.reading ?? { path, etag: undefined, sizeBytes: undefined, position: 0 };
      let isDecided = false;
      const mayGoOn = () => now() < deadline && bytesLeft > 0;
      async function take(bytes: Uint8Array, from: ContentsReader): Promise<"stop" | undefined> {
        place.touch();
        onProgress();
        const before = from.unpackedBytes;
        isDecided = (await from.take(bytes)) === "stop";
        bytesLeft -= from.unpackedBytes - before;
        return isDecided || !mayGoOn() ? "stop" : undefined;
      }
      const end = await readBack(push.bucket, reading, (bytes) => take(bytes, reader), {
        ...limits,
        mayGoOn,
      }).catch((error: unknown) => {
        // What has been unpacked stays good.
        keepUnfinished(nar, compression, { reading, reader, maxBytes: narSize }, push);
        throw error;
      });
      if (end === "stopped" && !isDecided && reading.position !== reading.sizeBytes) {
        keepUnfinished(nar, compression, { reading, reader, maxBytes: narSize }, push);
        const percent = Math.floor((reading.position / (reading.sizeBytes ?? Infinity)) * 100);
        throw new CacheError("proof-unfinished", path, {
          subject: `(${percent} % of ${path}).`,
          retryAfterSeconds: 1,
        });
      }
      return end === "end" || end === "stopped" ? await reader.end() : toContents(end, nar, reader);
    } finally {
      place.release();
    }
  }

  return {
    async prove(narinfo, isStored, onProgress) {
      const { compression } = narinfo;
      const nar = parseNarUrl(narinfo.url);
      if (!nar.ok) return { verdict: "unknown", says: "its URL is none of this cache" };
      if (compression === "none" && isStored && isItsOwnContents(nar.value, narinfo)) {
        return { verdict: "proved" };
      }
      const name = `${nar.value.path} ${compression}`;
      const remembered = known.get(name) ?? recallContents(nar.value, compression, push);
      const judgement = remembered && judgeClaim(narinfo, remembered);
      if (judgement !== undefined && !isOfOtherClaim(remembered, narinfo.narSize)) return judgement;
      const contents = await unpack(nar.value, narinfo, onProgress);
      known.set(name, contents);
      noteContents(nar.value, compression, contents, push);
      return judgeClaim(narinfo, contents);
    },
  };
}

/** Whether a NAR without compression has the hash of its contents as its name. Its bytes hash to its name (law 2). */
function isItsOwnContents({ fileHash }: NarKey, { narHash, narSize, fileSize }: Narinfo): boolean {
  return formatHash(narHash, "nix32") === `sha256:${fileHash}` && fileSize === narSize;
}

/** Whether the NAR was unpacked for another NarSize, and not to its end. */
function isOfOtherClaim(contents: NarContents | undefined, narSize: number): boolean {
  return contents?.kind === "other-size" && contents.narSize !== narSize;
}

function toContents(
  end: "changed" | "encoded" | "gone",
  { path }: NarKey,
  reader: ContentsReader,
): NarContents {
  reader.close();
  switch (end) {
    case "encoded":
      return { kind: "unknown", says: "the bucket stores it with a Content-Encoding" };
    case "gone":
      throw new CacheError("nar-absent", path, { subject: `${path}.` });
    case "changed":
      throw new CacheError("bucket-unavailable", `${path} is another object now`);
  }
}
