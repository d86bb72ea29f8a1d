import type { FailureCode } from "../../api/failures/failures.ts";
import { isKnownCompression, narExtension } from "../../nix/compression.ts";
import { equalHashes, formatHash } from "../../nix/hash.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { type NarKey, parseNarUrl } from "../../nix/object-key.ts";
import { parseSignature } from "../../nix/signature.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";

/** A narinfo that may be published once its NAR is in the bucket. */
export interface PublishableNarinfo {
  readonly narinfo: Narinfo;
  readonly nar: NarKey;
  readonly fileSizeBytes: number;
}

/**
 * Holds a parsed narinfo to what this cache publishes. That is more than Nix
 * asks of it: the client never checks FileHash, FileSize or where URL points,
 * and finds out that Compression is wrong only when it unpacks.
 */
export function checkNarinfo(
  narinfo: Narinfo,
  hash: StorePathHash,
): Result<PublishableNarinfo, FailureCode> {
  if (narinfo.storePath.hash !== hash) return err("narinfo-wrong-path");
  const nar = parseNarUrl(narinfo.url);
  // To the letter: Nix before 2.33 takes the URL for the key of an S3 object as it stands.
  if (!nar.ok || !nar.value.writable || nar.value.path !== narinfo.url)
    return err("narinfo-bad-url");
  const { fileHash, fileSize } = narinfo;
  if (fileHash === undefined || fileSize === undefined) return err("narinfo-file-missing");
  if (formatHash(fileHash, "nix32") !== `sha256:${nar.value.fileHash}`)
    return err("narinfo-url-hash");
  if (
    !isKnownCompression(narinfo.compression) ||
    narExtension(narinfo.compression) !== nar.value.extension
  ) {
    return err("narinfo-extension");
  }
  if (
    narinfo.compression === "none" &&
    !(equalHashes(fileHash, narinfo.narHash) && fileSize === narinfo.narSize)
  ) {
    return err("narinfo-uncompressed");
  }
  if (!narinfo.signatures.every((signature) => parseSignature(signature).ok)) {
    return err("narinfo-bad-signature");
  }
  return ok({ narinfo, nar: nar.value, fileSizeBytes: fileSize });
}
