import { createHash } from "node:crypto";
import { bucketIdentity } from "../../settings/bucket-settings.ts";
import type { ReadSettings } from "../../settings/read-settings.ts";
import { type ObjectKey, parseObjectKey } from "../../nix/object-key.ts";
import { err, type Result } from "../../result.ts";

/** The URLs under which the edge stores objects. No client can request these URLs. */
export interface EdgeKeys {
  urlOf(key: ObjectKey): string;
  parse(url: string): Result<ObjectKey>;
}

/**
 * Returns edge keys that are made from the checked object key and the identity of
 * the bucket. If they held the client's URL, the edge would store one object many
 * times. If they did not hold the bucket, then after a change of the prefix the
 * edge would answer with objects of the old prefix. This has happened: a push
 * succeeded and stored nothing.
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
        : err("the URL is not an edge URL"),
  };
}
