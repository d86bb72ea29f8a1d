import type { FailureCode } from "../../api/failures/failures.ts";
import { isKnownCompression, narExtension } from "../../nix/compression.ts";
import { equalHashes, formatHash } from "../../nix/hash.ts";
import { equalFingerprints } from "../../nix/fingerprint.ts";
import { type Narinfo, withSignatures } from "../../nix/narinfo.ts";
import { type NarKey, parseNarUrl } from "../../nix/object-key.ts";
import { mergeSignatures, parseSignature } from "../../nix/signature.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";

/** A narinfo that fits this cache. It may be published once its NAR is in the bucket. */
export interface PublishableNarinfo {
  readonly narinfo: Narinfo;
  readonly nar: NarKey;
  readonly fileSizeBytes: number;
}

/**
 * Checks the rules that hold for every pushed narinfo, also if it only adds
 * signatures to a published path.
 */
export function checkIdentity(narinfo: Narinfo, hash: StorePathHash): Result<void, FailureCode> {
  if (narinfo.storePath.hash !== hash) return err("narinfo-wrong-path");
  return narinfo.signatures.every((signature) => parseSignature(signature).ok)
    ? ok(undefined)
    : err("narinfo-bad-signature");
}

/**
 * Checks a narinfo against the rules for a new publication. They ask for more than
 * Nix does: a client never checks FileHash, FileSize or the place that URL
 * names, and notices a wrong Compression only when it unpacks the NAR.
 */
export function checkNarinfo(narinfo: Narinfo): Result<PublishableNarinfo, FailureCode> {
  const nar = parseNarUrl(narinfo.url);
  // Letter by letter: Nix before 2.33 uses the URL unchanged as the key of an S3 object.
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
  return ok({ narinfo, nar: nar.value, fileSizeBytes: fileSize });
}

/** The decision about a narinfo that is put under a name. */
export type NarinfoDecision =
  /** The name is free: `narinfo` is written. */
  | { readonly outcome: "published"; readonly narinfo: Narinfo }
  /** The published narinfo has the same contents and lacks a signature: `narinfo` is the published one with all signatures. */
  | { readonly outcome: "signed"; readonly narinfo: Narinfo }
  /** The published narinfo has everything already: nothing is written. */
  | { readonly outcome: "kept" }
  /** The published narinfo has other contents (law 3): it stays. */
  | { readonly outcome: "conflict"; readonly published: Narinfo };

/**
 * Decides how a push changes a narinfo. A published path keeps its NarHash,
 * NarSize and References, and also its URL; signatures are only ever added.
 */
export function decideNarinfo(
  published: Narinfo | undefined,
  incoming: Narinfo,
  isKnownKey: (keyName: string) => boolean = () => false,
): NarinfoDecision {
  if (published === undefined) return { outcome: "published", narinfo: incoming };
  if (!equalFingerprints(published, incoming)) return { outcome: "conflict", published };
  const signatures = mergeSignatures(published.signatures, incoming.signatures, isKnownKey);
  const held = new Set(published.signatures);
  return signatures.every((signature) => held.has(signature))
    ? { outcome: "kept" }
    : { outcome: "signed", narinfo: withSignatures(published, signatures) };
}
