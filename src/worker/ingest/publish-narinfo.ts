import type { Bucket } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { equalFingerprints, formatFingerprint } from "../../nix/fingerprint.ts";
import { equalHashes, formatHash } from "../../nix/hash.ts";
import { formatNarinfo, type Narinfo, parseNarinfo, withSignatures } from "../../nix/narinfo.ts";
import { listingKey, type NarinfoKey } from "../../nix/object-key.ts";
import { mergeSignatures, type PublicKey } from "../../nix/signature.ts";
import { formatStorePathBaseName } from "../../nix/store-path.ts";
import { type Change, changeDocument } from "./change-document.ts";
import { commitNewListing } from "./commit.ts";
import { checkContents, type ContentsDecision } from "./contents/check-contents.ts";
import { createContentsProver, PROOF_LIMITS, type ProofLimits } from "./contents/prove-contents.ts";
import {
  checkIdentity,
  checkNarinfo,
  decideNarinfo,
  type NarinfoDecision,
  type PublishableNarinfo,
} from "./narinfo-rules.ts";
import { ensureCacheInfo } from "./publish-cache-info.ts";
import { findTrust } from "../../nix/trust.ts";
import { readPublished } from "./published-narinfo.ts";
import type { Push } from "./push-context.ts";
import { ownPublicKeys, ownSignatures, withoutFalseSignatures } from "./signatures.ts";
import { detailOf } from "../log.ts";

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

export interface PublishOptions {
  /**
   * Stored beside the narinfo, if this publishes the path: clients cannot have read
   * another listing of a path that is not published, so nobody looks for it.
   */
  readonly listing?: string | undefined;
  readonly proofLimits?: ProofLimits;
}

/** With PROVE=file the gateway signs what a push says. */
const BELIEVED: ContentsDecision = { isProved: true, replaces: false };

/** The same for a narinfo that `parsePushedNarinfo` has returned. */
export async function publishParsedNarinfo(
  key: NarinfoKey,
  narinfo: Narinfo,
  push: Push,
  { listing, proofLimits = PROOF_LIMITS }: PublishOptions = {},
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
  const prover = rules.prove === "contents" ? createContentsProver(push, proofLimits) : undefined;
  let refusing: ReturnType<typeof findRefusal> | undefined;
  let storing: Promise<void> | undefined;
  const outcome = await changeDocument(key, push, async (stillWorks) => {
    // Before each look: what it finds then stays until the PUT.
    if (!push.guard.isHeld(key.hash)) refusing = undefined;
    await push.guard.hold(narinfo);
    refusing ??= findRefusal(key, narinfo, push);
    const [found, refusal] = await Promise.all([readPublished(key, narinfo.url, push), refusing]);
    if (found === "opaque") return { outcome: "kept" };
    const published = found?.narinfo;
    // Signatures for a published path are welcome whatever their narinfo says about
    // the file: the published URL, FileHash and FileSize stay anyway.
    const isKnownPath = published !== undefined && equalFingerprints(published, narinfo);
    if (refusal !== undefined && !isKnownPath) throw refusal;
    const kept = published && (await withTrueSignatures(published, known, cache.storeDir));
    const isCut = found?.hasCutNar === true && isKnownPath && refusal === undefined;
    const publication = {
      incoming: narinfo,
      published: isCut ? undefined : kept,
      isSamePath: isKnownPath,
      isPublishable: refusal === undefined,
      wantsSignature: own.some((signature) => kept?.signatures.includes(signature) !== true),
    };
    const contents =
      prover === undefined
        ? BELIEVED
        : await checkContents(publication, (one, isStored) =>
            prover.prove(one, isStored, stillWorks),
          );
    const vouched = contents.isProved ? own : [];
    const incoming = withSignatures(narinfo, mergeSignatures(vouched, signatures, isKnownKey));
    if (kept !== undefined && (isCut || contents.replaces)) {
      logReplacement(key, kept, narinfo, isCut, push);
      const next = isKnownPath ? withSignaturesOf(incoming, kept) : incoming;
      const text = formatNarinfo(next);
      return { outcome: "published", text, replaces: contents.replaces };
    }
    const decision = decideNarinfo(kept, incoming, isKnownKey);
    if (decision.outcome === "published") {
      logUnproved(key, narinfo, contents, push);
      if (listing !== undefined) storing ??= storeListing(key, listing, push);
    }
    return await toChange(decision, key, narinfo, push);
  });
  await storing;
  return outcome;
}

function logReplacement(
  { path }: NarinfoKey,
  replaced: Narinfo,
  narinfo: Narinfo,
  isCut: boolean,
  { log, by }: Push,
): void {
  if (isCut) return log("warn", "narinfo-replaced", { path, why: "its NAR is cut", by });
  log("warn", "narinfo-replaced", {
    path,
    why: "its NAR does not hold what it says",
    published: formatHash(replaced.narHash, "nix32"),
    publishedUrl: replaced.url,
    url: narinfo.url,
    by,
  });
}

/** Logs that a path comes without the gateway's signature: nobody else says so. */
function logUnproved(
  { path }: NarinfoKey,
  { compression }: Narinfo,
  { unproved }: ContentsDecision,
  { log, by }: Push,
): void {
  if (unproved === undefined) return;
  log("warn", "contents-not-proved", { path, compression, why: unproved, by });
}

/** A path without its listing is as good, so a failure is only logged. */
async function storeListing({ hash }: NarinfoKey, listing: string, push: Push): Promise<void> {
  const key = listingKey(hash);
  await commitNewListing(key, listing, push).catch((error: unknown) => {
    const detail = detailOf(error);
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
