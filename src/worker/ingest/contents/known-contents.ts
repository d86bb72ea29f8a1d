import type { NarKey } from "../../../nix/object-key.ts";
import type { Push } from "../push-context.ts";
import { setNewest } from "../set-newest.ts";
import type { UnfinishedProof } from "./contents-memory.ts";
import type { NarContents } from "./nar-contents.ts";

// As long as `batch/stored-nars.ts` remembers a NAR, for the same reasons.
const KNOWN_MILLISECONDS = 60_000;

/** 4,096 results take about a megabyte (law 7). */
const MAX_KNOWN = 4096;

// A person may have to push again by hand.
const UNFINISHED_MILLISECONDS = 15 * 60 * 1000;

/** Each holds the memory of its unpacker, 8 MiB at most. */
const MAX_UNFINISHED = 2;

type Remembering = Pick<Push, "cache" | "clock" | "memory">;

/** Notes what a NAR holds. Its bytes never change under its name. */
export function noteContents(
  nar: NarKey,
  compression: string,
  contents: NarContents,
  push: Remembering,
): void {
  const known = { contents, at: push.clock.now().getTime() };
  setNewest(push.memory.contents.known, nameOf(nar.path, compression, push), known, MAX_KNOWN);
}

/** Returns what a NAR holds, if this isolate has unpacked it a short time ago. */
export function recallContents(
  nar: NarKey,
  compression: string,
  push: Remembering,
): NarContents | undefined {
  const found = push.memory.contents.known.get(nameOf(nar.path, compression, push));
  if (found === undefined) return undefined;
  return push.clock.now().getTime() - found.at < KNOWN_MILLISECONDS ? found.contents : undefined;
}

/** Keeps a proof that another request may finish. Only the newest are kept. */
export function keepUnfinished(
  nar: NarKey,
  compression: string,
  proof: Omit<UnfinishedProof, "at">,
  push: Remembering,
): void {
  const { unfinished } = push.memory.contents;
  const name = nameOf(nar.path, compression, push);
  drop(name, push);
  unfinished.set(name, { ...proof, at: push.clock.now().getTime() });
  for (const oldest of unfinished.keys()) {
    if (unfinished.size <= MAX_UNFINISHED) return;
    drop(oldest, push);
  }
}

/** Takes a proof that can be finished out of the memory. */
export function takeUnfinished(
  nar: NarKey,
  compression: string,
  maxBytes: number,
  push: Remembering,
): Pick<UnfinishedProof, "reading" | "reader"> | undefined {
  const { unfinished } = push.memory.contents;
  const now = push.clock.now().getTime();
  for (const [name, { at }] of unfinished)
    if (now - at >= UNFINISHED_MILLISECONDS) drop(name, push);
  const name = nameOf(nar.path, compression, push);
  const found = unfinished.get(name);
  // It would stop at another NarSize.
  if (found === undefined || found.maxBytes !== maxBytes) return undefined;
  unfinished.delete(name);
  return found;
}

/** Forgets a NAR that is about to be deleted. */
export function forgetContents(path: string, push: Pick<Push, "cache" | "memory">): void {
  const start = nameOf(path, "", push);
  const { known, unfinished } = push.memory.contents;
  for (const name of known.keys()) if (name.startsWith(start)) known.delete(name);
  for (const name of unfinished.keys()) if (name.startsWith(start)) drop(name, push);
}

function drop(name: string, { memory }: Pick<Push, "memory">): void {
  memory.contents.unfinished.get(name)?.reader.close();
  memory.contents.unfinished.delete(name);
}

function nameOf(path: string, compression: string, { cache }: Pick<Push, "cache">): string {
  return `${cache.bucketId} ${path} ${compression}`;
}
