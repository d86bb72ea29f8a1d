import { createHash } from "node:crypto";
import { equalHashes } from "../../../nix/hash.ts";
import type { Narinfo } from "../../../nix/narinfo.ts";
import { createUnpacker, type UnpackableCompression, UnpackError } from "./unpacker.ts";

/** The size and the SHA-256 of unpacked bytes. */
export interface Unpacked {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
}

/** What a NAR file holds, whatever a narinfo says about it. */
export type NarContents =
  | { readonly kind: "unpacked"; readonly unpacked: Unpacked }
  /** It unpacks to more than `bytes`; the rest is unknown. */
  | { readonly kind: "longer-than"; readonly bytes: number }
  /** It does not unpack to its end. `unpacked` came before. */
  | {
      readonly kind: "broken";
      readonly says: string;
      readonly unpacked: Unpacked;
      /** Whether no client can unpack it either. */
      readonly isCertain: boolean;
    }
  /** The gateway cannot find out. */
  | { readonly kind: "unknown"; readonly says: string };

/** Unpacks a NAR file piece by piece, and keeps nothing of it. */
export interface ContentsReader {
  /** The number of bytes that came out so far. */
  readonly unpackedBytes: number;
  /** Takes the next bytes of the file. Returns "stop" once the result is certain. */
  take(bytes: Uint8Array): Promise<"stop" | undefined>;
  /** Ends the file, if it has not been stopped, and returns the result. */
  end(): Promise<NarContents>;
  /** Gives the memory back. */
  close(): void;
}

/** Returns a reader that stops at the first byte beyond `maxBytes`. */
export function createContentsReader(
  compression: UnpackableCompression,
  maxBytes: number,
): ContentsReader {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  let result: NarContents | undefined;
  const unpacker = createUnpacker(compression, (bytes) => {
    sizeBytes += bytes.byteLength;
    if (sizeBytes > maxBytes) {
      result = { kind: "longer-than", bytes: maxBytes };
      return false;
    }
    hash.update(bytes);
    return true;
  });
  const unpacked = (): Unpacked => ({ sizeBytes, sha256: hash.digest() });

  async function run(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof UnpackError)) throw error;
      const { kind, message: says } = error;
      result =
        kind === "unsupported"
          ? { kind: "unknown", says }
          : { kind: "broken", says, unpacked: unpacked(), isCertain: kind === "damaged" };
    }
  }

  return {
    get unpackedBytes() {
      return sizeBytes;
    },
    async take(bytes) {
      if (result === undefined) await run(unpacker.write(bytes));
      return result === undefined ? undefined : "stop";
    },
    async end() {
      if (result === undefined) await run(unpacker.end());
      unpacker.close();
      return (result ??= { kind: "unpacked", unpacked: unpacked() });
    },
    close: () => unpacker.close(),
  };
}

/** What the contents of a NAR say about the narinfo that names it. */
export type Judgement =
  | { readonly verdict: "proved" }
  /** Clients refuse the NAR: NarHash or NarSize is not what it holds. */
  | { readonly verdict: "disproved"; readonly says: string }
  /** The gateway cannot unpack a file that it should be able to unpack; a client may. */
  | { readonly verdict: "refused"; readonly says: string }
  | { readonly verdict: "unknown"; readonly says: string };

type Claim = Pick<Narinfo, "narHash" | "narSize">;

/** Compares a narinfo with its NAR. "disproved" is certain: a published path may lose its place by it. */
export function judgeClaim(claim: Claim, contents: NarContents): Judgement {
  switch (contents.kind) {
    case "unknown":
      return { verdict: "unknown", says: contents.says };
    case "longer-than":
      return contents.bytes < claim.narSize
        ? { verdict: "unknown", says: "it was not unpacked to its end" }
        : { verdict: "disproved", says: `it unpacks to more than NarSize, ${claim.narSize} bytes` };
    case "broken": {
      const { says, isCertain } = contents;
      // Some versions of Nix stop reading at the end of the NAR.
      const isDoubtful = !isCertain || isHeldBy(contents.unpacked, claim);
      return { verdict: isDoubtful ? "refused" : "disproved", says };
    }
    case "unpacked":
      if (isHeldBy(contents.unpacked, claim)) return { verdict: "proved" };
      return {
        verdict: "disproved",
        says:
          contents.unpacked.sizeBytes === claim.narSize
            ? "it unpacks to other bytes than NarHash says"
            : `it unpacks to ${contents.unpacked.sizeBytes} bytes, and NarSize is ${claim.narSize}`,
      };
  }
}

function isHeldBy({ sizeBytes, sha256 }: Unpacked, { narHash, narSize }: Claim): boolean {
  return sizeBytes === narSize && equalHashes(narHash, { algorithm: "sha256", bytes: sha256 });
}
