import { narSha256, parseNarUrl } from "../../../nix/object-key.ts";
import { afterWrite, commitNarBytes } from "../commit.ts";
import type { Push } from "../push-context.ts";

/**
 * Stores a small NAR that came with its narinfo, and runs `publish` beside it with a push
 * for which the NAR is there once it is durable and proved (law 2). The look at the NAR
 * waits for that, and fails if the NAR cannot be stored. A URL that Nix does not write is
 * left to the rules for narinfos, which refuse it.
 *
 * The edge drops the NAR unless the path is seen not to be published: of a published path
 * it may have a damaged file, which this push repairs. Of another path no client was told
 * a NAR, and the bytes under a name never change.
 */
export async function withBatchedNar<T>(
  url: string,
  bytes: Uint8Array<ArrayBuffer>,
  push: Push,
  publish: (push: Push) => Promise<T>,
): Promise<T> {
  const nar = parseNarUrl(url);
  if (!nar.ok || narSha256(nar.value) === undefined) return await publish(push);
  const { path } = nar.value;
  const { bucket } = push;
  const storing = commitNarBytes(nar.value, bytes, push);
  // The narinfo may be refused before anyone waits for the NAR.
  storing.catch(() => {});
  let isNew = false;
  try {
    return await publish({
      ...push,
      bucket: {
        ...bucket,
        async head(wanted) {
          if (wanted === path) await storing;
          return await bucket.head(wanted);
        },
        async read(wanted, maxBytes) {
          const stored = await bucket.read(wanted, maxBytes);
          isNew ||= stored === undefined;
          return stored;
        },
      },
    });
  } finally {
    // Nothing is written after the line of this narinfo.
    await storing.catch(() => {});
    if (!isNew) await afterWrite(nar.value, push);
  }
}
