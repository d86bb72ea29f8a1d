import { formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import type { ProcessContext } from "../process-context.ts";
import type { Progress } from "../progress/progress.ts";
import type { PathOutcome } from "./push-report.ts";
import type { StoreWatcher } from "./store-watcher.ts";

/** Pushes `roots` and their closure. Paths in `done`, by base name, need no work. */
export type PushBatch = (
  roots: readonly StorePath[],
  done: ReadonlySet<string>,
  progress: Progress,
) => Promise<readonly PathOutcome[]>;

export interface Watch {
  readonly watcher: StoreWatcher;
  readonly push: PushBatch;
  /** Resolves when the command ends. */
  readonly ended: Promise<unknown>;
  /** The progress while the command runs, and the progress after it. */
  readonly progress: { readonly during: Progress; readonly after: () => Progress };
  readonly context: Pick<ProcessContext, "signal" | "sleep">;
}

const POLL_MILLISECONDS = 1_000;
// A pause cannot be cancelled, so it is short: the process can end soon after the command.
const PAUSE_MILLISECONDS = 200;

/**
 * Pushes new paths of the store while the command runs. When the command has
 * ended, it pushes the remaining paths and tries failed paths once more. Returns
 * the last outcome of each path. Never throws, because a build must not fail
 * because of its cache.
 */
export async function watchAndPush(watch: Watch): Promise<readonly PathOutcome[]> {
  const { watcher, push, ended, context } = watch;
  const byPath = new Map<string, PathOutcome>();
  const done = new Set<string>();
  const toRetry = new Map<string, StorePath>();

  async function pushNew(progress: Progress, others?: readonly StorePath[]): Promise<void> {
    let roots: readonly StorePath[] = others ?? [];
    try {
      roots = [...roots, ...(await watcher.findNew(others !== undefined))];
      if (roots.length === 0) return;
      const outcomes = await push(roots, done, progress);
      for (const outcome of outcomes) {
        const id = formatStorePathBaseName(outcome.path);
        byPath.set(id, outcome);
        if (outcome.kind === "pushed" || outcome.kind === "skipped") done.add(id);
      }
    } catch (error) {
      if (context.signal.aborted) return;
      progress.say(`could not push: ${describeError(error)}`);
      const message = describeError(error);
      for (const path of roots) {
        byPath.set(formatStorePathBaseName(path), { kind: "failed", path, message });
      }
    }
    for (const path of roots) {
      const id = formatStorePathBaseName(path);
      if (!done.has(id)) toRetry.set(id, path);
    }
  }

  const command = { isRunning: true };
  const end = (async () => {
    await ended;
    command.isRunning = false;
  })();
  const isWatching = () => command.isRunning && !context.signal.aborted;
  while (command.isRunning) {
    for (let waited = 0; waited < POLL_MILLISECONDS && isWatching(); waited += PAUSE_MILLISECONDS) {
      await Promise.race([end, context.sleep(PAUSE_MILLISECONDS).catch(() => {})]);
    }
    if (isWatching()) await pushNew(watch.progress.during);
    else await end;
  }
  if (!context.signal.aborted) {
    const progress = watch.progress.after();
    await pushNew(progress, [...toRetry.values()]);
    progress.close();
  }
  return [...byPath.values()];
}
