import { type Bucket, isListed } from "../bucket/bucket.ts";
import { isDecodedByPlatform, decodeText } from "../../http/text-decoding.ts";
import { CacheError } from "../cache-error.ts";
import { equalFingerprints, formatFingerprint } from "../../nix/fingerprint.ts";
import { equalHashes, formatHash } from "../../nix/hash.ts";
import {
  formatNarinfo,
  MAX_STORED_NARINFO_BYTES,
  type Narinfo,
  parseNarinfo,
  withSignatures,
} from "../../nix/narinfo.ts";
import { listingKey, type NarinfoKey, parseNarUrl } from "../../nix/object-key.ts";
import { mergeSignatures, type PublicKey } from "../../nix/signature.ts";
import { formatStorePathBaseName } from "../../nix/store-path.ts";
import { type Change, changeDocument } from "./change-document.ts";
import { commitNewListing } from "./commit.ts";
import {
  checkIdentity,
  checkNarinfo,
  decideNarinfo,
  type NarinfoDecision,
  type PublishableNarinfo,
} from "./narinfo-rules.ts";
import { ensureCacheInfo } from "./publish-cache-info.ts";
import { findTrust } from "../../nix/trust.ts";
import type { Push } from "./push-context.ts";
import { ownPublicKeys, ownSignatures, withoutFalseSignatures } from "./signatures.ts";

/**
 * Publishes a narinfo, or adds its signatures to the published narinfo. Resolves
 * once the change is durable. Throws a `CacheError` if the rules forbid it.
 */
export async function publishNarinfo(
  key: NarinfoKey,
  text: string,
  push: Push,
): Promise<NarinfoDecision["outcome"]> {
  return await publishParsedNarinfo(key, parsePushedNarinfo(key, text, push.cache.storeDir), push);
}

/**
 * The same for a narinfo that `parsePushedNarinfo` has returned. If this publishes the
 * path, `listing` is stored beside it: clients cannot have read another one of a path that
 * is not published, so nobody looks for it.
 */
export async function publishParsedNarinfo(
  key: NarinfoKey,
  narinfo: Narinfo,
  push: Push,
  listing?: string,
): Promise<NarinfoDecision["outcome"]> {
  const { cache, rules, by } = push;
  const needsTrust = rules.trustedPublicKeys.length > 0;
  const trust = needsTrust
    ? await findTrust(narinfo, cache.storeDir, rules.trustedPublicKeys)
    : undefined;
  if (needsTrust && trust === undefined) {
    throw new CacheError("signature-required", `${key.path} by ${by}`);
  }
  const fingerprint = formatFingerprint(narinfo, cache.storeDir);
  const known = [...ownPublicKeys(rules), ...rules.trustedPublicKeys, ...cache.publicKeys];
  const isKnownKey = (keyName: string) => known.some(({ name }) => name === keyName);
  // A path whose contents are only claimed gets no signature of the gateway, which
  // would vouch for these contents.
  const own = trust === "claimed" ? [] : await ownSignatures(fingerprint, push);
  const signatures = await sortOutSignatures(fingerprint, narinfo.signatures, known);
  let refusing: ReturnType<typeof findRefusal> | undefined;
  const incoming = withSignatures(narinfo, mergeSignatures(own, signatures, isKnownKey));
  let storing: Promise<void> | undefined;
  const outcome = await changeDocument(key, push, async () => {
    refusing ??= findRefusal(key, narinfo, push);
    const [found, refusal] = await Promise.all([readPublished(key, narinfo.url, push), refusing]);
    if (found === "opaque") return { outcome: "kept" };
    const published = found?.narinfo;
    // Signatures for a published path are welcome whatever their narinfo says about
    // the file: the published URL, FileHash and FileSize stay anyway.
    const isKnownPath = published !== undefined && equalFingerprints(published, narinfo);
    if (refusal !== undefined && !isKnownPath) throw refusal;
    const kept = published && (await withTrueSignatures(published, known, cache.storeDir));
    if (kept !== undefined && found?.hasCutNar && isKnownPath && refusal === undefined) {
      push.log("warn", "narinfo-replaced", { path: key.path, why: "its NAR is cut", by });
      return { outcome: "published", text: formatNarinfo(withSignaturesOf(incoming, kept)) };
    }
    const decision = decideNarinfo(kept, incoming, isKnownKey);
    if (decision.outcome === "published" && listing !== undefined) {
      storing ??= storeListing(key, listing, push);
    }
    return await toChange(decision, key, narinfo, push);
  });
  await storing;
  return outcome;
}

/** A path without its listing is as good, so a failure is only logged. */
async function storeListing({ hash }: NarinfoKey, listing: string, push: Push): Promise<void> {
  const key = listingKey(hash);
  await commitNewListing(key, listing, push).catch((error: unknown) => {
    const detail = error instanceof Error ? error.message : String(error);
    push.log("warn", "listing-not-stored", { path: key.path, detail, by: push.by });
  });
}

async function toChange(
  decision: NarinfoDecision,
  key: NarinfoKey,
  narinfo: Narinfo,
  push: Push,
): Promise<Change> {
  if (decision.outcome === "kept") return { outcome: "kept" };
  if (decision.outcome === "conflict") {
    refuseOrLog(key, decision.published, narinfo, push);
    return { outcome: "conflict" };
  }
  if (decision.outcome === "published") {
    await ensureCacheInfo(push);
    warnIfUnsigned(key, decision.narinfo, push);
  }
  return { outcome: decision.outcome, text: formatNarinfo(decision.narinfo) };
}

/**
 * Logs, once an isolate, that a path without any signature was pushed. Nobody can pull
 * it with signatures checked, and no client says so to the person who pushes.
 */
function warnIfUnsigned(key: NarinfoKey, narinfo: Narinfo, { cache, memory, log, by }: Push): void {
  const isSigned = narinfo.signatures.length > 0 || narinfo.contentAddress !== undefined;
  if (isSigned || memory.unsignedSeen.has(cache.bucketId)) return;
  memory.unsignedSeen.add(cache.bucketId);
  log("warn", "narinfo-unsigned", { path: key.path, by });
}

/**
 * Logs the conflict, and refuses the push if ON_CONFLICT asks for that. By default
 * the gateway only logs: two CI machines often race on a build that is not
 * reproducible, and a failed PUT would abort the whole copy.
 */
function refuseOrLog(key: NarinfoKey, published: Narinfo, refused: Narinfo, push: Push): void {
  push.log("warn", "narinfo-conflict", {
    path: key.path,
    published: formatHash(published.narHash, "nix32"),
    refused: formatHash(refused.narHash, "nix32"),
    differs: equalHashes(published.narHash, refused.narHash) ? "NarSize or References" : "NarHash",
    by: push.by,
  });
  if (push.rules.onConflict === "keep") return;
  throw new CacheError("build-not-reproducible", key.path, {
    subject: `(${formatStorePathBaseName(refused.storePath)}).`,
  });
}

/** Parses a pushed narinfo. Throws a `CacheError` if it is malformed or is not about the path of `key`. */
export function parsePushedNarinfo(key: NarinfoKey, text: string, storeDir: string): Narinfo {
  const narinfo = parseNarinfo(text, storeDir);
  if (!narinfo.ok) {
    throw new CacheError("narinfo-malformed", narinfo.error, { subject: `(${narinfo.error}).` });
  }
  const identity = checkIdentity(narinfo.value, key.hash);
  if (!identity.ok) throw new CacheError(identity.error, key.path);
  return narinfo.value;
}

/** Returns the reason why a narinfo may not become a new publication, if there is one. */
async function findRefusal(
  key: NarinfoKey,
  narinfo: Narinfo,
  { bucket }: Push,
): Promise<CacheError | undefined> {
  const checked = checkNarinfo(narinfo);
  if (!checked.ok) return new CacheError(checked.error, key.path);
  try {
    // The NAR was proved when it was stored (law 2).
    await requireNar(checked.value, bucket);
    return undefined;
  } catch (error) {
    if (error instanceof CacheError) return error;
    throw error;
  }
}

async function requireNar({ nar, fileSizeBytes }: PublishableNarinfo, bucket: Bucket) {
  const stored = await bucket.head(nar.path);
  if (stored === undefined) {
    throw new CacheError("nar-absent", nar.path, { subject: `${nar.path}.` });
  }
  if (stored.sizeBytes !== fileSizeBytes) {
    throw new CacheError("nar-wrong-size", `${nar.path}: ${stored.sizeBytes}`, {
      subject: `${nar.path}.`,
    });
  }
}

interface Published {
  readonly narinfo: Narinfo;
  /**
   * Whether its NAR has another size than it says, and is another file than the one
   * that is pushed: a copy into the bucket was cut, or went wrong.
   */
  readonly hasCutNar: boolean;
}

/**
 * Returns the published narinfo. `undefined` if there is none, or if no client can
 * use it: it is unreadable, or its NAR is gone. "opaque" if clients can read it and
 * the gateway cannot.
 */
async function readPublished(
  key: NarinfoKey,
  incomingUrl: string,
  { bucket, cache, log, by }: Push,
): Promise<Published | "opaque" | undefined> {
  const stored = await bucket.read(key.path, MAX_STORED_NARINFO_BYTES);
  if (stored === undefined) return undefined;
  if (stored === "too-large") {
    // Clients can read it, although the gateway does not. It stays (law 3).
    log("warn", "narinfo-opaque", { path: key.path, why: "it is too large", by });
    return "opaque";
  }
  const { contentEncoding } = stored;
  if (contentEncoding !== undefined && !isDecodedByPlatform(contentEncoding)) {
    // A Nix with narinfo-compression wrote it. The gateway cannot read it, so it stays (law 3).
    log("warn", "narinfo-opaque", { path: key.path, contentEncoding, by });
    return "opaque";
  }
  const narinfo = parseNarinfo(decodeText(stored.bytes), cache.storeDir);
  if (!narinfo.ok || narinfo.value.storePath.hash !== key.hash) {
    log("warn", "narinfo-replaced", { path: key.path, why: "it was unreadable", by });
    return undefined;
  }
  const { url, fileSize } = narinfo.value;
  const nar = parseNarUrl(url);
  if (url === incomingUrl || !nar.ok) return { narinfo: narinfo.value, hasCutNar: false };
  const file = await bucket.head(nar.value.path);
  // A listing proves that the NAR is gone, because a 404 to HEAD has no body that names
  // the missing thing.
  if (file === undefined && !(await isListed(bucket, nar.value.path))) {
    log("warn", "narinfo-replaced", { path: key.path, why: "its NAR was gone", by });
    return undefined;
  }
  const sizeBytes = file?.sizeBytes;
  const hasCutNar = sizeBytes !== undefined && fileSize !== undefined && sizeBytes !== fileSize;
  return { narinfo: narinfo.value, hasCutNar };
}

function withSignaturesOf(narinfo: Narinfo, { signatures }: Narinfo): Narinfo {
  return withSignatures(narinfo, mergeSignatures(signatures, narinfo.signatures));
}

/** Drops false signatures, so that the true signature of the same key can be added. */
async function withTrueSignatures(
  narinfo: Narinfo,
  known: readonly PublicKey[],
  storeDir: string,
): Promise<Narinfo> {
  const fingerprint = formatFingerprint(narinfo, storeDir);
  const signatures = await withoutFalseSignatures(fingerprint, narinfo.signatures, known);
  return signatures.length === narinfo.signatures.length
    ? narinfo
    : withSignatures(narinfo, signatures);
}

/**
 * Drops false signatures and puts those of known keys first, so that many
 * signatures of unknown keys cannot displace them.
 */
async function sortOutSignatures(
  fingerprint: string,
  signatures: readonly string[],
  known: readonly PublicKey[],
): Promise<readonly string[]> {
  const kept = await withoutFalseSignatures(fingerprint, signatures, known);
  const isKnown = (text: string) => known.some(({ name }) => text.startsWith(`${name}:`));
  return [...kept.filter(isKnown), ...kept.filter((text) => !isKnown(text))];
}
