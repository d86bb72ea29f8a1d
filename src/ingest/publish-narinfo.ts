import type { Bucket } from "../bucket/bucket.ts";
import { readSmallObject } from "../bucket/read-small-object.ts";
import { CacheError } from "../errors.ts";
import { CONTENT_TYPES } from "../http/content-type.ts";
import { decodeText } from "../http/decode-text.ts";
import { formatFingerprint } from "../nix/fingerprint.ts";
import { equalHashes, formatHash } from "../nix/hash.ts";
import {
  formatNarinfo,
  MAX_NARINFO_BYTES,
  type Narinfo,
  parseNarinfo,
  withSignatures,
} from "../nix/narinfo.ts";
import { mergeSignatures } from "../nix/merge-signatures.ts";
import { type NarinfoKey, parseNarUrl } from "../nix/object-key.ts";
import { formatStorePathBaseName } from "../nix/store-path.ts";
import { checkNarinfo, type PublishableNarinfo } from "./check-narinfo.ts";
import { ensureCacheInfo } from "./ensure-cache-info.ts";
import type { Push } from "./ingest.ts";
import { decidePublication, type Publication } from "./publication.ts";
import { ownPublicKeys, ownSignatures } from "./own-signatures.ts";
import { isTrusted, withoutFalseSignatures } from "./trust.ts";

/**
 * Publishes a narinfo, or adds its signatures to the one that is there.
 * Resolves once that is durable; throws when it may not be published.
 */
export async function publishNarinfo(
  key: NarinfoKey,
  text: string,
  push: Push,
): Promise<Publication["outcome"]> {
  const { bucket, reads, writes, by } = push;
  const candidate = parsePublishable(key, text, reads.storeDir);
  const { narinfo } = candidate;
  if (
    writes.trustedPublicKeys.length > 0 &&
    !(await isTrusted(narinfo, reads.storeDir, writes.trustedPublicKeys))
  ) {
    throw new CacheError("signature-required", `${key.path} by ${by}`);
  }
  const [published] = await Promise.all([
    readPublished(key, narinfo.url, push),
    // Law 2: the NAR was proved when it was stored.
    requireNar(candidate, bucket),
  ]);
  const fingerprint = formatFingerprint(narinfo, reads.storeDir);
  const signatures = await withoutFalseSignatures(fingerprint, narinfo.signatures, [
    ...writes.trustedPublicKeys,
    ...ownPublicKeys(writes),
  ]);
  const publication = decidePublication(
    published,
    // Ours first, so that nobody can occupy its name with another.
    withSignatures(narinfo, mergeSignatures(await ownSignatures(fingerprint, writes), signatures)),
  );
  if (publication.outcome === "conflict") refuseOrLog(key, publication.published, narinfo, push);
  else if (publication.outcome !== "kept") {
    if (publication.outcome === "published") await ensureCacheInfo(push);
    await writeNarinfo(key, publication.narinfo, push);
  }
  return publication.outcome;
}

/**
 * Two CI machines that race on a build that is not reproducible are everyday,
 * and a failed PUT would abort the whole copy: so by default this is only told.
 */
function refuseOrLog(key: NarinfoKey, published: Narinfo, refused: Narinfo, push: Push): void {
  push.log("warn", "narinfo-conflict", {
    path: key.path,
    published: formatHash(published.narHash, "nix32"),
    refused: formatHash(refused.narHash, "nix32"),
    differs: equalHashes(published.narHash, refused.narHash) ? "NarSize or References" : "NarHash",
    by: push.by,
  });
  if (push.writes.onConflict === "keep") return;
  throw new CacheError("build-not-reproducible", key.path, {
    subject: `(${formatStorePathBaseName(refused.storePath)}).`,
  });
}

function parsePublishable(key: NarinfoKey, text: string, storeDir: string): PublishableNarinfo {
  const narinfo = parseNarinfo(text, storeDir);
  if (!narinfo.ok) {
    throw new CacheError("narinfo-malformed", narinfo.error, { subject: `(${narinfo.error}).` });
  }
  const checked = checkNarinfo(narinfo.value, key.hash);
  if (!checked.ok) throw new CacheError(checked.error, key.path);
  return checked.value;
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

/** What is published, unless it is of no use to anyone: unreadable, or without its NAR. */
async function readPublished(
  key: NarinfoKey,
  incomingUrl: string,
  { bucket, reads, log, by }: Push,
): Promise<Narinfo | undefined> {
  const stored = await readSmallObject(bucket, key.path, MAX_NARINFO_BYTES);
  if (stored === undefined) return undefined;
  const narinfo = parseNarinfo(decodeText(stored.bytes), reads.storeDir);
  if (!narinfo.ok || narinfo.value.storePath.hash !== key.hash) {
    log("warn", "narinfo-replaced", { path: key.path, why: "it was unreadable", by });
    return undefined;
  }
  if (narinfo.value.url === incomingUrl) return narinfo.value;
  const nar = parseNarUrl(narinfo.value.url);
  if (nar.ok && (await bucket.head(nar.value.path)) === undefined) {
    log("warn", "narinfo-replaced", { path: key.path, why: "its NAR was gone", by });
    return undefined;
  }
  return narinfo.value;
}

async function writeNarinfo(key: NarinfoKey, narinfo: Narinfo, { bucket, edge }: Push) {
  const bytes = new TextEncoder().encode(formatNarinfo(narinfo)) as Uint8Array<ArrayBuffer>;
  await bucket.put(key.path, bytes, { contentType: CONTENT_TYPES.narinfo });
  await edge.forget(key);
}
