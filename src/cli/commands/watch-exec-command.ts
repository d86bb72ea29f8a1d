import { describeError, UsageError } from "../../client/client-error.ts";
import { findInvalidPaths } from "../../client/local-nix/read-closure.ts";
import { findStore } from "../../client/local-nix/store-location.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { createPlainProgress } from "../../client/progress/progress.ts";
import { createProgress } from "../../client/progress/terminal-progress.ts";
import { pushPaths } from "../../client/push/push-paths.ts";
import { formatPushJson, formatPushSummary, hasFailed } from "../../client/push/push-report.ts";
import {
  openPushSession,
  type PushOptions,
  type PushSession,
} from "../../client/push/push-session.ts";
import { createStopGuard } from "../../client/push/stop-guard.ts";
import { type StoreWatcher, watchStore } from "../../client/push/store-watcher.ts";
import { watchAndPush } from "../../client/push/watch-and-push.ts";
import type { AddCommand } from "../command.ts";
import { addPushFlags, type PushFlags, readPushOptions } from "../push-flags.ts";
import { runWatched, type WatchedCommand } from "../run-watched.ts";

const EXAMPLES = `
Examples:
  nargate watch-exec --to https://cache.example.org -- nix build .#everything
  NARGATE_URL=https://cache.example.org nargate watch-exec -- make test

Pushes the paths that COMMAND adds to the store, while it runs and after it ends.
Does not push derivations (.drv). The exit code is the exit code of COMMAND, even
if a path could not be pushed; standard error names that path.
`;

/** `nargate watch-exec`: runs a command, and pushes the paths that it builds. */
export const addWatchExecCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("watch-exec")
    .description("Run a command, and push the paths that it adds to the Nix store.")
    .usage("[options] -- <command...>")
    // Options behind the command belong to the command, even without the dashes.
    .passThroughOptions()
    .argument("<command...>", "the command and its arguments");
  addPushFlags(command)
    .addHelpText("after", EXAMPLES)
    .action(async (words: readonly string[], flags: PushFlags) => {
      setExitCode(await watchExec(words, await readPushOptions(flags, context), context));
    });
};

async function watchExec(
  words: readonly string[],
  options: PushOptions,
  context: ProcessContext,
): Promise<number> {
  const { directory } = findStore(options.storeUrl, context.env);
  if (directory === undefined) {
    throw new UsageError(
      "the files of this store are not on this machine, so nargate cannot see new paths. Use a store on this machine",
    );
  }
  const opened = await tryToOpen(options, directory, context);
  const command =
    opened === undefined ? runWatched(words, context) : await runAndPush(words, opened, context);
  const code = await command.ended;
  const failure = command.failure();
  if (failure !== undefined) context.stderr.write(`nargate: ${failure.message}\n`);
  return code;
}

interface OpenedPush {
  readonly session: PushSession;
  readonly watcher: StoreWatcher;
}

/**
 * Opens the session, and looks at the store as it is now. Returns undefined if the
 * cache or Nix fails, because a build must not fail because of its cache.
 */
async function tryToOpen(
  options: PushOptions,
  directory: string,
  context: ProcessContext,
): Promise<OpenedPush | undefined> {
  try {
    const session = await openPushSession(options, context);
    const watcher = await watchStore(directory, (paths) =>
      findInvalidPaths(paths, session.store, context),
    );
    return { session, watcher };
  } catch (error) {
    if (error instanceof UsageError || context.signal.aborted) throw error;
    context.stderr.write(`nargate: warning: cannot push: ${describeError(error)}\n`);
    return undefined;
  }
}

async function runAndPush(
  words: readonly string[],
  { session, watcher }: OpenedPush,
  context: ProcessContext,
): Promise<WatchedCommand> {
  let { guard } = session;
  const startedAt = context.now().getTime();
  const command = runWatched(words, context);
  const during = createPlainProgress(context, "nargate: ");
  const outcomes = await watchAndPush({
    watcher,
    push(roots, done, progress) {
      // A new guard: the problem that stopped the last batch may be over, and a build can take
      // hours.
      guard = createStopGuard();
      return pushPaths(roots, { ...session, guard }, progress, done);
    },
    ended: command.ended,
    progress: { during, after: () => createProgress(context, "nargate: ") },
    context,
  });
  during.close();
  if (context.signal.aborted) {
    context.stderr.write("nargate: interrupted. Some new paths are not pushed\n");
    return command;
  }
  const seconds = (context.now().getTime() - startedAt) / 1000;
  const report = { outcomes, seconds, stopped: guard.reason() };
  for (const line of formatPushSummary(report)) context.stderr.write(`nargate: ${line}\n`);
  if (hasFailed(report)) {
    context.stderr.write(
      "nargate: warning: some new paths could not be pushed; see the lines above\n",
    );
  }
  if (session.options.isJson) {
    context.stdout.write(`${formatPushJson(report, session.store.storeDir)}\n`);
  }
  return command;
}
