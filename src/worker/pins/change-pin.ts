import {
  keptRevisions,
  MAX_PIN_REVISIONS,
  type NamedRevision,
  type PinKeep,
  type PinRevision,
} from "../../api/pins.ts";
import { decodeText, isDecodedByPlatform } from "../../http/text-decoding.ts";
import { MAX_STORED_NARINFO_BYTES, parseNarinfo } from "../../nix/narinfo.ts";
import { narinfoKey } from "../../nix/object-key.ts";
import { equalStorePaths, formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import type { Bucket } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { formatPinPath } from "./pin-path.ts";
import { listPin } from "./read-pins.ts";

type PinBucket = Pick<Bucket, "list" | "read" | "put" | "delete">;

export interface PinRequest {
  readonly name: string;
  readonly path: StorePath;
  readonly keep: PinKeep;
  /** The name of the token. */
  readonly by: string;
}

export interface ChangedPin {
  /** The number of revisions that the pin keeps now. */
  readonly kept: number;
  /** The revisions that it no longer keeps, and that were removed. */
  readonly dropped: readonly PinRevision[];
}

/**
 * The most objects that one request removes: with the listing, the look at the narinfo
 * and the PUT 33 of the free plan's 50 subrequests, which leaves 17 for attempts that fail.
 */
const MAX_REMOVALS = 30;

/** The clocks of two isolates may differ by this much. */
const SKEW_MILLISECONDS = 60_000;

/**
 * Adds a revision to a pin, and removes revisions that the pin no longer keeps. Resolves
 * once the revision is durable. Throws `pin-path-absent` if the bucket does not hold the
 * narinfo of the path. Pins of one name at the same time all remain, as revisions.
 */
export async function setPin(
  { name, path, keep, by }: PinRequest,
  bucket: PinBucket,
  { storeDir, now }: { readonly storeDir: string; readonly now: Date },
): Promise<ChangedPin> {
  const [{ revisions }] = await Promise.all([
    listPin(bucket, name),
    requirePublished(path, storeDir, bucket),
  ]);
  const before = revisions.map(({ revision }) => revision);
  const revision = { path, at: timeBehind(before, now), by, keep };
  const kept = new Set(keptRevisions({ name, revisions: [...before, revision] }, now));
  if (kept.size > MAX_PIN_REVISIONS) {
    throw new CacheError("pin-full", name, { subject: `${MAX_PIN_REVISIONS}.` });
  }
  const body = new Uint8Array();
  await bucket.put(formatPinPath({ name, revision }), body, { contentType: "text/plain" });
  // The listing has the oldest revisions first. Others are removed with the next pin.
  const outdated = revisions.filter((one) => !kept.has(one.revision)).slice(0, MAX_REMOVALS);
  // The pin is durable, and a revision that stays although it is outdated protects nothing.
  const removals = await Promise.allSettled(outdated.map((one) => remove(one, bucket)));
  const dropped = outdated.filter((_, index) => removals[index]?.status === "fulfilled");
  return { kept: kept.size, dropped: dropped.map((one) => one.revision) };
}

/**
 * Removes a pin, the oldest revisions first, at most 30 of them: `rest` says whether
 * revisions are left. Throws `pin-unknown` if there are none at all.
 */
export async function removePin(
  name: string,
  bucket: PinBucket,
): Promise<{ readonly removed: readonly PinRevision[]; readonly rest: boolean }> {
  const { revisions, next } = await listPin(bucket, name);
  if (revisions.length === 0) throw new CacheError("pin-unknown", name);
  const some = revisions.slice(0, MAX_REMOVALS);
  await Promise.all(some.map((one) => remove(one, bucket)));
  return {
    removed: some.map(({ revision }) => revision),
    rest: next !== undefined || some.length < revisions.length,
  };
}

async function remove(revision: NamedRevision, bucket: PinBucket): Promise<void> {
  await bucket.delete(formatPinPath(revision));
}

/** Returns a time behind the newest revision, even if another isolate's clock is ahead of ours. */
function timeBehind(revisions: readonly PinRevision[], now: Date): Date {
  const newest = Math.max(...revisions.map(({ at }) => at.getTime() + 1), now.getTime());
  return newest - now.getTime() < SKEW_MILLISECONDS ? new Date(newest) : now;
}

/**
 * Throws if the bucket has no narinfo that clients can read for this path. It asks the
 * bucket, because the edge may still have what was deleted.
 */
async function requirePublished(
  path: StorePath,
  storeDir: string,
  bucket: PinBucket,
): Promise<void> {
  const key = narinfoKey(path.hash);
  const stored = await bucket.read(key.path, MAX_STORED_NARINFO_BYTES);
  // Clients can read these two, although the gateway cannot.
  if (stored === "too-large") return;
  const encoding = stored?.contentEncoding;
  if (encoding !== undefined && !isDecodedByPlatform(encoding)) return;
  const narinfo = stored && parseNarinfo(decodeText(stored.bytes), storeDir);
  if (!narinfo?.ok || narinfo.value.storePath.hash !== path.hash) {
    const name = formatStorePathBaseName(path);
    throw new CacheError("pin-path-absent", name, { subject: `${name}.` });
  }
  if (!equalStorePaths(narinfo.value.storePath, path)) {
    throw new CacheError("pin-path-differs", formatStorePathBaseName(path));
  }
}
