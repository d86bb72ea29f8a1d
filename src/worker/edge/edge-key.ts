import { createHash } from "node:crypto";
import type { ReadConfig } from "../../settings/config.ts";
import { type ObjectKey, parseObjectKey } from "../../nix/object-key.ts";
import { err, type Result } from "../../result.ts";

/** The name under which the edge keeps an object; a URL that nobody can request. */
export interface EdgeKeys {
  urlOf(key: ObjectKey): string;
  parse(url: string): Result<ObjectKey>;
}

/**
 * Edge keys come from the checked object key and from what says which bucket
 * that is. Were a client's URL part of them, the same object would be kept many
 * times, and after a change of the prefix the old bucket's objects would answer
 * for the new one's: a push was once seen to succeed and store nothing that way.
 *
 * Raising EDGE_EPOCH makes every entry unreachable.
 */
export function createEdgeKeys({ bucket, edgeEpoch }: ReadConfig): EdgeKeys {
  const identity = JSON.stringify([bucket.endpoint, bucket.bucket, bucket.prefix, edgeEpoch]);
  const digest = createHash("sha256").update(identity).digest("hex").slice(0, 32);
  // .invalid is reserved (RFC 2606): no zone can route it. The digest stands in
  // the path, since Workers Cache leaves the host out of its keys.
  const base = `https://edge.nargate.invalid/${digest}`;
  return {
    urlOf: (key) => `${base}/${key.path.split("/").map(encodeURIComponent).join("/")}`,
    parse: (url) =>
      url.startsWith(`${base}/`)
        ? parseObjectKey(url.slice(base.length))
        : err("is not an edge URL"),
  };
}
