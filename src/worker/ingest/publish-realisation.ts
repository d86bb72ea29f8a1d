import { CacheError } from "../cache-error.ts";
import { decodeText, isDecodedByPlatform } from "../../http/text-decoding.ts";
import { mergeSignatures } from "../../nix/signature.ts";
import { MAX_STORED_NARINFO_BYTES } from "../../nix/narinfo.ts";
import type { BuildTraceKey, RealisationKey } from "../../nix/object-key.ts";
import {
  type BuildTraceEntry,
  buildTraceFingerprint,
  formatRealisation,
  mergeRealisation,
  parseBuildTraceEntry,
  parseRealisation,
  type Realisation,
  realisationFingerprint,
} from "../../nix/realisation.ts";
import { equalStorePaths } from "../../nix/store-path.ts";
import { err, type Result } from "../../result.ts";
import { type Change, changeDocument, type DocumentOutcome } from "./change-document.ts";
import { isSignedByAny } from "../../nix/trust.ts";
import type { Push } from "./push-context.ts";
import { ownSignatures } from "./signatures.ts";

type RealisationLike = Realisation | BuildTraceEntry;
type RealisationLikeKey = RealisationKey | BuildTraceKey;

/**
 * Publishes the store path of an output of a content-addressed derivation. The
 * first store path stays (law 3). The same realisation again adds its signatures.
 */
export async function publishRealisation(
  key: RealisationLikeKey,
  text: string,
  push: Push,
): Promise<DocumentOutcome> {
  const { rules, by } = push;
  const parsed = parse(key, text);
  if (!parsed.ok) {
    throw new CacheError("realisation-malformed", parsed.error, { subject: `(${parsed.error}).` });
  }
  const fingerprint = fingerprintOf(key, parsed.value);
  if (
    rules.trustedPublicKeys.length > 0 &&
    !(await isSignedByAny(fingerprint, parsed.value.signatures, rules.trustedPublicKeys))
  ) {
    throw new CacheError("signature-required", `${key.path} by ${by}`);
  }
  const own = await ownSignatures(fingerprint, push);
  const incoming = { ...parsed.value, signatures: mergeSignatures(own, parsed.value.signatures) };
  return await changeDocument(key, push, () => decide(key, incoming, push));
}

async function decide(
  key: RealisationLikeKey,
  incoming: RealisationLike,
  push: Push,
): Promise<Change> {
  const stored = await readStored(key, push);
  if (stored === "opaque") return { outcome: "kept" };
  const published = stored === undefined ? undefined : parse(key, stored);
  if (published === undefined || !published.ok) {
    return { outcome: "published", text: formatRealisation(incoming) };
  }
  // The signature covers the dependencies, and only some versions of Nix list
  // them. Signatures over the other form would not verify here.
  if (
    fingerprintOf(key, published.value) !== fingerprintOf(key, incoming) &&
    equalStorePaths(published.value.outPath, incoming.outPath)
  ) {
    return { outcome: "kept" };
  }
  const merged = mergeRealisation<RealisationLike>(published.value, incoming);
  if (!merged.ok) {
    push.log("warn", "realisation-conflict", {
      path: key.path,
      detail: merged.error,
      by: push.by,
    });
    return { outcome: "conflict" };
  }
  if (merged.value.signatures.length === published.value.signatures.length)
    return { outcome: "kept" };
  return { outcome: "signed", text: formatRealisation(merged.value) };
}

/**
 * Returns the text of the published realisation. "opaque" if clients can read it and
 * the gateway cannot: it stays then (law 3).
 */
async function readStored(
  key: RealisationLikeKey,
  { bucket, log, by }: Push,
): Promise<string | "opaque" | undefined> {
  const stored = await bucket.read(key.path, MAX_STORED_NARINFO_BYTES);
  if (stored === undefined) return undefined;
  const isReadable =
    stored !== "too-large" &&
    (stored.contentEncoding === undefined || isDecodedByPlatform(stored.contentEncoding));
  if (isReadable) return decodeText(stored.bytes);
  const why = stored === "too-large" ? "it is too large" : `it is ${stored.contentEncoding}`;
  log("warn", "realisation-opaque", { path: key.path, why, by });
  return "opaque";
}

function parse(key: RealisationLikeKey, text: string): Result<RealisationLike> {
  if (key.kind === "build-trace") return parseBuildTraceEntry(text);
  const realisation = parseRealisation(text);
  return realisation.ok && realisation.value.id !== key.id
    ? err("it is about another output than its name says")
    : realisation;
}

function fingerprintOf(key: RealisationLikeKey, realisation: RealisationLike): string {
  if (realisation.kind === "realisation") return realisationFingerprint(realisation);
  if (key.kind === "build-trace") return buildTraceFingerprint(key, realisation);
  throw new CacheError("internal", "a build trace entry under a realisation's name");
}
