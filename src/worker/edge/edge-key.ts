import { createHash } from "node:crypto";
import { bucketIdentity } from "../../settings/bucket-settings.ts";
import type { ReadSettings } from "../../settings/read-settings.ts";
import { type ObjectKey, parseObjectKey } from "../../nix/object-key.ts";
import { err, type Result } from "../../result.ts";

/** Names objects at the edge by URLs that no client can request. */
export interface EdgeKeys {
  urlOf(key: ObjectKey): string;
  parse(url: string): Result<ObjectKey>;
}

/**
 * Makes edge keys from the checked object key and the identity of the bucket.
 * With a client's URL in them, the edge would keep one object many times. Without
 * the bucket in them, objects of the old prefix would answer for the new one
 * after a change: a push was once seen to succeed and store nothing that way.
 *
 * Raising EDGE_EPOCH makes every entry unreachable.
 */
export function createEdgeKeys({
  bucket,
  edgeEpoch,
}: Pick<ReadSettings, "bucket" | "edgeEpoch">): EdgeKeys {
  const identity = JSON.stringify([...bucketIdentity(bucket), edgeEpoch]);
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 32);
  // No zone can route .invalid, which is reserved (RFC 2606). The digest is part
  // of the path, because Workers Cache leaves the host out of its keys.
  const base = `https://edge.nargate.invalid/${digest}`;
  return {
    urlOf: (key) => `${base}/${key.path.split("/").map(encodeURIComponent).join("/")}`,
    parse: (url) =>
      url.startsWith(`${base}/`)
        ? parseObjectKey(url.slice(base.length))
        : err("is not an edge URL"),
  };
}
