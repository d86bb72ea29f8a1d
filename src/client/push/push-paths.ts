import { formatStorePathBaseName, type StorePath } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import { readClosure } from "../local-nix/read-closure.ts";
import type { Progress } from "../progress/progress.ts";
import { choosePaths, skipSignedUpstream } from "./choose-paths.ts";
import { pushRealisations } from "./push-realisations.ts";
import { describeUnusable, findUnusable } from "./find-unusable.ts";
import { createPublishSteps } from "./publish-steps.ts";
import { formatOutcome, type PathOutcome } from "./push-report.ts";
import type { PushSession } from "./push-session.ts";
import { publishReferencesFirst } from "./references-first.ts";
import { Stopped } from "./stop-guard.ts";

/**
 * Pushes `roots` and all paths that they need, except paths that the cache has.
 * `done` has base names of paths that need no work; they get no outcome. The
 * result of each path is an outcome. The function throws only if Nix cannot list
 * the paths, or if the push is interrupted.
 */
export async function pushPaths(
  roots: readonly StorePath[],
  session: PushSession,
  progress: Progress,
  done: ReadonlySet<string> = new Set(),
): Promise<readonly PathOutcome[]> {
  const { store, context, guard } = session;
  const outcomes: PathOutcome[] = [];
  const lost = new Set<string>();
  const untried = new Set<string>();
  const unusable = new Set<string>();

  function settle(outcome: PathOutcome): void {
    const isUnusable =
      outcome.kind === "pushed" && unusable.has(formatStorePathBaseName(outcome.path));
    outcomes.push(isUnusable ? { ...outcome, isUnusable } : outcome);
    const isWorthALine = outcome.kind === "failed" || isSuspicious(outcome);
    if (isWorthALine) progress.say(formatOutcome(outcome));
    else if (outcome.kind === "pushed") progress.finished(formatOutcome(outcome));
  }

  function settleError(path: StorePath, error: unknown): void {
    const id = formatStorePathBaseName(path);
    lost.add(id);
    // After Ctrl-C every path fails. These errors mean nothing.
    if (context.signal.aborted) return;
    if (error instanceof Stopped || guard.failed(error)) {
      untried.add(id);
      settle({ kind: "untried", path });
    } else {
      settle({ kind: "failed", path, message: describeError(error) });
    }
  }

  function settleBlocked(path: StorePath, needs: string): void {
    if (!untried.has(needs)) {
      return settle({
        kind: "failed",
        path,
        message: `not published, because it needs ${needs}, which failed`,
      });
    }
    untried.add(formatStorePathBaseName(path));
    settle({ kind: "untried", path });
  }

  progress.status("asking Nix for the closure");
  const closure = await readClosure(roots, store, context);
  for (const path of closure.invalid) {
    settle({
      kind: "failed",
      path,
      message:
        "the store does not have this path. Build it again; Nix may have deleted it as garbage",
    });
  }
  for (const path of closure.unlisted) {
    const message =
      "Nix does not list this path in its own closure. This is a fault of its version";
    settle({ kind: "failed", path, message });
  }
  const infos = [...closure.infos].flatMap(([id, info]) => (done.has(id) ? [] : [info]));
  progress.status(`asking the cache for ${infos.length} paths`);
  const pending = await choosePaths(infos, roots, session, { settle, settleError });
  for (const id of await findUnusable(pending, session)) unusable.add(id);
  if (unusable.size > 0) {
    progress.say(`warning: ${describeUnusable(unusable.size, session.facts)}`);
  }
  const toSend = pending.filter(({ choice }) => choice.kind === "push");
  progress.expect(
    toSend.length,
    toSend.reduce((total, { info }) => total + info.narSize, 0),
  );
  const left = [...closure.infos.values()].filter(
    (info) => skipSignedUpstream(info, session.options.upstreamKeys) !== undefined,
  );
  const upstream = new Set(left.map(({ path }) => path.hash));
  const ends = { settle, settleError, settleBlocked };
  const steps = createPublishSteps(session, progress, ends, upstream);
  await publishReferencesFirst(pending, lost, steps);
  context.signal.throwIfAborted();
  const published = infos.filter(({ path }) => !lost.has(formatStorePathBaseName(path)));
  const realisations = await pushRealisations(published, session, { settleError });
  if (realisations > 0) {
    progress.say(`stored ${realisations} realisation${realisations === 1 ? "" : "s"}`);
  }
  context.signal.throwIfAborted();
  return outcomes;
}

function isSuspicious(outcome: PathOutcome): boolean {
  return outcome.kind === "skipped" && outcome.isSuspicious;
}
