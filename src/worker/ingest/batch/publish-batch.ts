import type { Narinfo } from "../../../nix/narinfo.ts";
import type { NarinfoKey } from "../../../nix/object-key.ts";
import { formatStorePathBaseName, type StorePathHash } from "../../../nix/store-path.ts";
import { CacheError } from "../../cache-error.ts";
import type { DocumentOutcome } from "../change-document.ts";
import { ensureCacheInfo } from "../publish-cache-info.ts";
import { parsePushedNarinfo, publishParsedNarinfo } from "../publish-narinfo.ts";
import type { Push } from "../push-context.ts";
import { withBatchedNar } from "./batched-nar.ts";
import { withStoredNars } from "./stored-nars.ts";

/** A narinfo of a batch, and the name under which it is to be published. */
export interface BatchLine {
  readonly key: NarinfoKey;
  readonly text: string;
  readonly listing: string | undefined;
  /** The NAR file, if the client sends it along. */
  readonly nar: Uint8Array<ArrayBuffer> | undefined;
  /** References that the pusher leaves to another cache. */
  readonly upstream?: readonly StorePathHash[];
}

/** The end of one narinfo. */
export type BatchEnd =
  | { readonly key: NarinfoKey; readonly outcome: DocumentOutcome }
  | { readonly key: NarinfoKey; readonly failure: unknown };

export interface BatchLimits {
  /** The most narinfos that are taken. */
  readonly narinfos: number;
  /** The most bytes of all NarSizes together. The first narinfo is taken whatever its NarSize. */
  readonly narBytes: number;
  /** Whether the budget allows one more narinfo. */
  mayTake(): boolean;
}

/** Workers wait for the headers of six answers at once; a seventh request queues. */
const WRITERS = 6;

/** A narinfo that is well-formed. */
interface Parsed {
  readonly key: NarinfoKey;
  readonly narinfo: Narinfo;
  readonly listing: string | undefined;
  readonly nar: Uint8Array<ArrayBuffer> | undefined;
}

/**
 * Publishes the narinfos of a batch, each as a PUT does, and each after those that it
 * refers to. If one fails, the narinfos that refer to it fail too. Calls `onEnd` for each
 * narinfo once it is durable or has failed. Takes references first, and returns how many
 * narinfos it took before a limit was reached. Never throws.
 */
export async function publishBatch(
  lines: readonly BatchLine[],
  given: Push,
  { narinfos, narBytes, mayTake }: BatchLimits,
  onEnd: (end: BatchEnd) => void,
): Promise<number> {
  const push = { ...given, bucket: withStoredNars(given) };
  const ends = new Map<StorePathHash, Promise<boolean>>();
  let took = 0;

  function end(key: NarinfoKey, ended: Promise<DocumentOutcome>): Promise<boolean> {
    took++;
    const isPublished = ended.then(
      (outcome) => {
        onEnd({ key, outcome });
        return true;
      },
      (failure: unknown) => {
        onEnd({ key, failure });
        return false;
      },
    );
    ends.set(key.hash, isPublished);
    return isPublished;
  }

  const parsed = lines.flatMap(({ key, text, listing, nar }): readonly Parsed[] => {
    try {
      return [{ key, narinfo: parsePushedNarinfo(key, text, push.cache.storeDir), listing, nar }];
    } catch (error) {
      void end(key, Promise.reject(error));
      return [];
    }
  });

  async function publish({ key, narinfo, listing, nar }: Parsed): Promise<DocumentOutcome> {
    // Read before the first wait: in a circle of references, each would wait for the other.
    const needed = narinfo.references.map((path) => ({ path, published: ends.get(path.hash) }));
    for (const { path, published } of needed) {
      if ((await published) !== false) continue;
      throw new CacheError("reference-not-published", key.path, {
        subject: `${formatStorePathBaseName(path)}.`,
      });
    }
    if (nar === undefined) return await publishParsedNarinfo(key, narinfo, push, { listing });
    await push.guard.hold(narinfo);
    return await withBatchedNar(narinfo.url, nar, push, (withNar) =>
      publishParsedNarinfo(key, narinfo, withNar, { listing }),
    );
  }

  // Once for all of them. If it fails, each narinfo tries again and says so.
  if (parsed.length > 0) await ensureCacheInfo(push).catch(() => {});
  // References come first in this order, so a narinfo never waits for one that waits for a place.
  const queue = sortReferencesFirst(parsed).slice(0, Math.max(0, narinfos - took));
  push.guard.announce(
    queue.map(({ narinfo }) => narinfo),
    lines.flatMap(({ upstream = [] }) => upstream),
  );
  // One marker for all of them, while the first ones are decided. Each waits for it before its
  // PUT, and says if it failed.
  push.marks.mark(queue.map(({ key }) => key.hash)).catch(() => {});
  let takenBytes = 0;
  async function work(): Promise<void> {
    while (mayTake()) {
      const next = queue[0];
      if (next === undefined) return;
      const { narSize } = next.narinfo;
      if (takenBytes > 0 && takenBytes + narSize > narBytes) return;
      takenBytes += narSize;
      queue.shift();
      await end(next.key, publish(next));
    }
  }
  await Promise.all([...ends.values(), ...Array.from({ length: WRITERS }, work)]);
  return took;
}

/** Sorts narinfos so that references come first. Paths that refer to each other in a circle keep their order. */
function sortReferencesFirst(narinfos: readonly Parsed[]): readonly Parsed[] {
  const byHash = new Map(narinfos.map((one) => [one.key.hash, one]));
  const seen = new Set<Parsed>();
  const sorted: Parsed[] = [];
  for (const root of narinfos) {
    // Not a recursion: a chain of references may be longer than the call stack allows.
    const stack = [{ one: root, next: 0 }];
    while (stack.length > 0) {
      const frame = stack.at(-1) as (typeof stack)[number];
      if (frame.next === 0 && seen.has(frame.one)) {
        stack.pop();
        continue;
      }
      seen.add(frame.one);
      const { references } = frame.one.narinfo;
      if (frame.next === references.length) {
        sorted.push(frame.one);
        stack.pop();
        continue;
      }
      const reference = byHash.get(references[frame.next++]?.hash as StorePathHash);
      if (reference !== undefined && !seen.has(reference)) stack.push({ one: reference, next: 0 });
    }
  }
  return sorted;
}
