import { decodeText, isDecodedByPlatform } from "../../http/text-decoding.ts";
import { MAX_STORED_NARINFO_BYTES, type Narinfo, parseNarinfo } from "../../nix/narinfo.ts";
import { type NarinfoKey, parseNarUrl } from "../../nix/object-key.ts";
import { isListed } from "../bucket/bucket.ts";
import type { Push } from "./push-context.ts";

export interface Published {
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
export async function readPublished(
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
