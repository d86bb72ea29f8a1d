import { ClientError, UsageError } from "../../client/client-error.ts";
import { findStore, resolveStorePath } from "../../client/local-nix/store-location.ts";
import type { ProcessContext, ProcessInput } from "../../client/process-context.ts";
import { createProgress } from "../../client/progress/terminal-progress.ts";
import { pinPushed } from "../../client/push/pin-pushed.ts";
import { pushPaths } from "../../client/push/push-paths.ts";
import {
  formatPushJson,
  formatPushSummary,
  hasFailed,
  type PushReport,
} from "../../client/push/push-report.ts";
import { openPushSession } from "../../client/push/push-session.ts";
import type { StorePath } from "../../nix/store-path.ts";
import type { AddCommand } from "../command.ts";
import {
  addKeepFlags,
  hasKeepFlag,
  type KeepFlags,
  readKeep,
  requirePinName,
} from "../keep-flags.ts";
import { addPushFlags, type PushFlags, readPushOptions } from "../push-flags.ts";

const EXAMPLES = `
Examples:
  nargate push --to https://cache.example.org ./result
  nix-store --query --requisites ./result | nargate push --stdin
  nargate push --all --sign-key ~/cache.secret /nix/store/…-hello-2.12
  nargate push --pin main --keep-revisions 3 ./result

Pushes the closure of each PATH: references first, several paths at once, large
NARs straight to the bucket. Skips paths that the cache has. If a push was
interrupted, run it again: it continues where it stopped.
`;

interface PushCommandFlags extends PushFlags, KeepFlags {
  readonly pin?: string;
}

/** `nargate push`: pushes store paths and their closure. */
export const addPushCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("push")
    .description("Push store paths with all paths that they need.")
    .argument("[path...]", "store paths, or symlinks to them such as ./result")
    .option("--stdin", "read paths from standard input, one on each line");
  addPushFlags(command).option(
    "--pin <name>",
    "pin the pushed path under this name (see nargate pin); needs exactly one path",
  );
  addKeepFlags(command)
    .addHelpText("after", EXAMPLES)
    .action(async (paths: readonly string[], flags: PushCommandFlags) => {
      const report = await push(paths, flags, context);
      if (hasFailed(report)) setExitCode(1);
    });
};

async function push(
  paths: readonly string[],
  flags: PushCommandFlags,
  context: ProcessContext,
): Promise<PushReport> {
  const pinName = readPinName(flags);
  if (paths.length === 0 && flags.stdin !== true) {
    throw new UsageError("nothing to push: name store paths, or use --stdin");
  }
  const options = await readPushOptions(flags, context);
  const startedAt = context.now().getTime();
  const listed = flags.stdin === true ? await readPathList(context.stdin) : [];
  const roots = await resolveAll([...paths, ...listed], options.storeUrl, context);
  const [root] = roots;
  if (pinName !== undefined && (root === undefined || roots.length > 1)) {
    throw new UsageError(`--pin needs exactly one path, but ${roots.length} are named`);
  }
  const session = await openPushSession(options, context);
  const progress = createProgress(context);
  try {
    const outcomes = await pushPaths(roots, session, progress);
    const seconds = (context.now().getTime() - startedAt) / 1000;
    const stopped = session.guard.reason();
    const pin =
      pinName === undefined || root === undefined
        ? undefined
        : await pinPushed(root, { name: pinName, keep: readKeep(flags) }, outcomes, session);
    const report = { outcomes, seconds, stopped, pin };
    progress.close();
    for (const line of formatPushSummary(report)) context.stderr.write(`${line}\n`);
    if (options.isJson) context.stdout.write(`${formatPushJson(report, session.store.storeDir)}\n`);
    return report;
  } catch (error) {
    progress.close();
    if (!context.signal.aborted) throw error;
    context.stderr.write(
      "nargate: interrupted. Run the command again to continue where it stopped\n",
    );
    throw new ClientError("interrupted", { cause: error });
  }
}

/** Returns the value of `--pin`. Throws `UsageError` for a name that is none, and for its flags without it. */
function readPinName(flags: PushCommandFlags): string | undefined {
  if (flags.pin !== undefined) return requirePinName(flags.pin);
  if (!hasKeepFlag(flags)) return undefined;
  throw new UsageError("the flags --keep-… need --pin NAME");
}

async function resolveAll(
  texts: readonly string[],
  storeUrl: string | undefined,
  { env, cwd }: ProcessContext,
): Promise<readonly StorePath[]> {
  const location = findStore(storeUrl, env);
  const byHash = new Map<string, StorePath>();
  for (const text of texts) {
    const path = await resolveStorePath(text, location, cwd);
    byHash.set(path.hash, path);
  }
  return [...byHash.values()];
}

/** Reads the lines of standard input, without empty lines. */
export async function readPathList(stdin: ProcessInput): Promise<readonly string[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString()
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}
