import { narSha256 } from "../../../nix/object-key.ts";
import { isSignedPath } from "../../bucket/incoming-path.ts";
import { commitDeletion } from "../commit.ts";
import type { Push } from "../push-context.ts";
import type { DirectUpload } from "./direct-upload.ts";
import { distrustBucket } from "./payload-check.ts";
import { proveObject } from "./prove-object.ts";
import { detailOf } from "../../log.ts";

/** One NAR in so many that the bucket has proved is read back. */
const SAMPLE = 64;

/** Bytes. To hash 8 MiB takes some 5 ms of CPU, and the free plan of Workers allows 10 ms. */
const MAX_SAMPLE_BYTES = 8 * 1024 * 1024;

/** Whether to read back a NAR that the bucket has proved. */
export function isSampled({ incoming, sizeBytes }: DirectUpload, push: Push): boolean {
  return isSignedPath(incoming) && sizeBytes <= MAX_SAMPLE_BYTES && push.random() < 1 / SAMPLE;
}

/**
 * Reads back a published NAR that only the bucket has proved. If it has other bytes, the
 * NAR is removed, and from now on the gateway reads back everything. Never throws: a
 * NAR that cannot be read now, or that another push stores meanwhile, says nothing.
 */
export async function checkSample({ nar, sizeBytes }: DirectUpload, push: Push): Promise<void> {
  const { bucket, log, by } = push;
  try {
    const head = await bucket.head(nar.path);
    if (head?.etag === undefined) return;
    if (head.sizeBytes === sizeBytes && head.contentEncoding === undefined) {
      const proof = await proveObject(bucket, { path: nar.path, sizeBytes, etag: head.etag });
      if (proof.kind !== "hashed" || proof.sha256 === narSha256(nar)) return;
    }
    await distrustBucket(push);
    const removal = await commitDeletion(nar, push, push.edgeContext).catch(() => undefined);
    // Other NARs may have been stored so. The operator finds them with `nargate fsck --deep`.
    const isRemoved = removal !== undefined;
    const purged = removal?.isPurged === true;
    log("error", "bucket-proved-wrong-bytes", { path: nar.path, isRemoved, purged, by });
  } catch (error) {
    const detail = detailOf(error);
    log("warn", "sample-not-read", { path: nar.path, detail, by });
  }
}
