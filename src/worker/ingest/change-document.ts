import { retryPauseMilliseconds, WRITE_RETRIES } from "../../http/retry.ts";
import type { BuildTraceKey, NarinfoKey, RealisationKey } from "../../nix/object-key.ts";
import { CacheError } from "../cache-error.ts";
import { commitSigned } from "./commit.ts";
import type { Push } from "./push-context.ts";

/** What a push does with a document: `text` is to be written, or nothing is. */
export type Change =
  | {
      readonly outcome: "published" | "signed";
      readonly text: string;
      /** Whether `text` takes the place of a document that clients may have read. */
      readonly replaces?: boolean;
    }
  | { readonly outcome: "kept" | "conflict" };

/** The outcome of a push of a document that gains signatures. */
export type DocumentOutcome = Change["outcome"];

/** The most decisions about one push. One is the usual number; another writer, or a PUT that fails, leads to more. */
const MAX_DECISIONS = 8;

// Another writer holds a document for some round trips to the bucket.
const POLL_MILLISECONDS = 20;

/** A request that the platform ends never says that it is done. No living one takes longer without a sign of life. */
const TURN_MILLISECONDS = 120_000;

/**
 * Changes a published document by a rule: reads the bucket and decides, writes, looks
 * whether that stands, and if not decides again on what is there now. Throws what `decide` throws. A decision that takes
 * long calls `stillWorks` now and then, or another push takes its turn.
 *
 * B2 has no conditional PUT, so a PUT that is simply repeated, or that comes from
 * another isolate, may replace what was published in between (law 3). Therefore no
 * PUT is sent twice on one decision, pushes to one document take turns in an
 * isolate, and a last look finds out if another writer has won. Two isolates that
 * both write after both looked can still answer 200 twice; see SECURITY.md.
 *
 * The last look is a HEAD. If its ETag is that of the PUT, the document is the one that
 * was decided on, so there is nothing to read, to verify or to decide.
 */
export async function changeDocument(
  key: NarinfoKey | RealisationKey | BuildTraceKey,
  push: Push,
  decide: (stillWorks: () => void) => Promise<Change>,
): Promise<DocumentOutcome> {
  return await inTurn(key.path, push, async (stillWorks) => {
    let written: DocumentOutcome | undefined;
    for (let count = 1; ; count++) {
      const change = await decide(stillWorks);
      if (!("text" in change)) return change.outcome === "kept" ? (written ?? "kept") : "conflict";
      if (count === MAX_DECISIONS) {
        throw new CacheError("bucket-unavailable", `${key.path} changes with every look at it`);
      }
      let commit: Awaited<ReturnType<typeof commitSigned>>;
      try {
        commit = await commitSigned(key, change, push);
      } catch (error) {
        written = change.outcome;
        await pauseOrThrow(error, count, push);
        continue;
      }
      if (commit === "full") return "kept";
      // Nothing was written: what the text names must be looked at again.
      if (commit === "late") continue;
      written = change.outcome;
      if (await stands(key, commit.etag, push)) return written;
    }
  });
}

/** Whether a document is the one that a PUT has written. A bucket that tells no ETag proves nothing. */
async function stands(
  { path }: NarinfoKey | RealisationKey | BuildTraceKey,
  etag: string | undefined,
  { bucket }: Push,
): Promise<boolean> {
  return etag !== undefined && (await bucket.head(path))?.etag === etag;
}

/** Waits before the next decision if the failure may pass. The PUT may have taken effect all the same. */
async function pauseOrThrow(failure: unknown, count: number, { clock }: Push): Promise<void> {
  const mayPass = failure instanceof CacheError && failure.code === "bucket-unavailable";
  if (!mayPass || count >= WRITE_RETRIES.attempts) throw failure;
  const retryAfterSeconds = Math.min(failure.retryAfterSeconds ?? 0, 5);
  await clock.sleep(retryPauseMilliseconds(count, retryAfterSeconds, Math.random));
}

/** Runs `work` when no other push of this isolate works on the same document. */
async function inTurn<T>(
  path: string,
  push: Push,
  work: (stillWorks: () => void) => Promise<T>,
): Promise<T> {
  const { cache, clock, memory } = push;
  const document = `${cache.bucketId} ${path}`;
  const turns = memory.turns;
  const now = () => clock.now().getTime();
  // On a timer, not on the other push's promise: workerd takes a request that waits
  // only for another request for hung.
  while (now() - (turns.get(document) ?? -Infinity) < TURN_MILLISECONDS) {
    await clock.sleep(POLL_MILLISECONDS);
  }
  let mine = now();
  turns.set(document, mine);
  const stillWorks = () => {
    if (turns.get(document) !== mine) return;
    mine = now();
    turns.set(document, mine);
  };
  try {
    return await work(stillWorks);
  } finally {
    if (turns.get(document) === mine) turns.delete(document);
  }
}
