import { createHash } from "node:crypto";
import { equalHashes } from "../../../nix/hash.ts";
import type { Narinfo } from "../../../nix/narinfo.ts";
import type { Engines } from "./engine.ts";
import { createUnpacker, type UnpackableCompression, UnpackError } from "./unpacker.ts";

/** The size and the SHA-256 of unpacked bytes. */
export interface Unpacked {
  readonly sizeBytes: number;
  readonly sha256: Uint8Array;
}

/** What a NAR file holds, whatever a narinfo says about it. */
export type NarContents =
  | { readonly kind: "unpacked"; readonly unpacked: Unpacked }
  /** It does not unpack to `narSize` bytes. Nothing else is known. */
  | { readonly kind: "other-size"; readonly narSize: number; readonly says: string }
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

/** The end of a bomb where NarSize is not known. */
const MAX_UNPACKED_BYTES = 8 * 1024 * 1024;

/**
 * Returns a reader that stops at the first byte beyond `narSize`. Without `narSize` it
 * stops after 8 MiB.
 */
export function createContentsReader(
  compression: UnpackableCompression,
  narSize: number | undefined,
  engines: Engines,
): ContentsReader {
  const hash = createHash("sha256");
  const maxBytes = narSize ?? MAX_UNPACKED_BYTES;
  let sizeBytes = 0;
  let result: NarContents | undefined;
  const unpacker = createUnpacker(compression, engines, (bytes) => {
    sizeBytes += bytes.byteLength;
    if (sizeBytes > maxBytes) {
      const says = `it unpacks to more than NarSize, ${maxBytes} bytes`;
      result = { kind: "other-size", narSize: maxBytes, says };
      return false;
    }
    hash.update(bytes);
    return true;
  });
  const unpacked = (): Unpacked => ({ sizeBytes, sha256: hash.digest() });

  async function run(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof UnpackError)) throw error;
      const { kind, message: says } = error;
      result =
        kind === "unsupported"
          ? { kind: "unknown", says }
          : { kind: "broken", says, unpacked: unpacked(), isCertain: kind === "damaged" };
    }
  }

  async function finish(): Promise<NarContents> {
    // Whether the file ends in order does not matter then, and the engine stays sound.
    if (narSize !== undefined && sizeBytes < narSize) {
      const says = `it unpacks to ${sizeBytes} bytes, and NarSize is ${narSize}`;
      return { kind: "other-size", narSize, says };
    }
    await run(() => unpacker.end());
    return result ?? { kind: "unpacked", unpacked: unpacked() };
  }

  return {
    get unpackedBytes() {
      return sizeBytes;
    },
    async take(bytes) {
      if (result === undefined) await run(() => unpacker.write(bytes));
      return result === undefined ? undefined : "stop";
    },
    async end() {
      result ??= await finish();
      unpacker.close();
      return result;
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
    case "other-size":
      return contents.narSize === claim.narSize
        ? { verdict: "disproved", says: contents.says }
        : { verdict: "unknown", says: "it was unpacked for another NarSize" };
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
