import type { CollectionState } from "../../api/collection.ts";
import { UsageError } from "../../client/client-error.ts";
import {
  type CollectionApi,
  createCollectionApi,
  type PlannedPathLine,
} from "../../client/gateway/collection-api.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { formatObstacles, formatPlannedPath, formatRun } from "../collection-report.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface GcOptions extends CacheOptions {
  readonly dryRun?: boolean;
  readonly run?: boolean;
  readonly json?: boolean;
}

/** `nargate gc`: says what the cache does not keep, or removes it. */
export const addGcCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("gc")
    .summary("Say what the cache does not keep, or remove it.")
    .description(
      "Say what the settings KEEP_… and the pins of the cache do not keep, or remove it. Without --dry-run and --run, show the last collection. The cache collects once a day by itself if its setting COLLECT is on. Needs a token with the scope admin. The exit code is 1 if something keeps --run from removing.",
    )
    .option("--dry-run", "work out what would go, and list it")
    .option("--run", "begin a collection now, and wait for its end")
    .option("--json", "print JSON, also with the paths that stay and why")
    .addHelpText(
      "after",
      "\nExample:\n  nargate gc --dry-run --to https://cache.example.org --token-file ~/admin-token\n",
    )
    .action(async (options: GcOptions) => {
      setExitCode(await collect(options, context));
    });
  addCacheOptions(command);
};

/** The collection goes on without this command, so a look now and then suffices. */
const POLL_MILLISECONDS = 2_000;

async function collect(options: GcOptions, context: ProcessContext): Promise<number> {
  const { dryRun = false, run = false, json = false } = options;
  if (dryRun && run) throw new UsageError("give either --dry-run or --run");
  const { client, firstContact } = await openCache(options, context);
  const { storeDir } = await readGatewayFacts(firstContact);
  const api = createCollectionApi(client);
  const state =
    dryRun || run
      ? await waitForEnd(await api.start(run ? "run" : "plan"), api, context)
      : await api.readState();
  const isStuck = run && state.obstacles.length > 0;
  if (json) {
    const [going, staying] = dryRun
      ? [await gather(api.listPaths("going")), await gather(api.listPaths("staying"))]
      : [];
    context.stdout.write(
      `${JSON.stringify({ url: client.url, ...state, going, staying }, null, 2)}\n`,
    );
    return isStuck ? 1 : 0;
  }
  if (dryRun) {
    for await (const path of api.listPaths("going")) {
      context.stdout.write(`${formatPlannedPath(path, storeDir)}\n`);
    }
  }
  context.stdout.write(formatState(state, dryRun));
  return isStuck ? 1 : 0;
}

async function waitForEnd(
  begun: CollectionState,
  api: CollectionApi,
  { sleep, stderr }: ProcessContext,
): Promise<CollectionState> {
  let state = begun;
  let phase: string | undefined;
  while (state.running !== null) {
    if (state.running.phase !== phase) {
      phase = state.running.phase;
      stderr.write(`${PHASES[phase] ?? phase}\n`);
    }
    await sleep(POLL_MILLISECONDS);
    state = await api.readState();
  }
  return state;
}

const PHASES: Readonly<Record<string, string>> = {
  pins: "reading the pins",
  weights: "weighing the paths",
  paths: "judging the paths",
  referrers: "judging what only unneeded paths need",
  narinfos: "removing narinfos",
  nars: "removing NARs",
  tombstones: "forgetting what no client remembers",
};

function formatState(state: CollectionState, isPlan: boolean): string {
  const { running, last } = state;
  const lines = [
    ...(running === null
      ? []
      : [`a collection is running: ${PHASES[running.phase] ?? running.phase}`]),
    ...(last === null
      ? ["no collection has ended yet"]
      : [
          ...(isPlan ? [""] : [`the last collection, by ${last.by}, ended at ${last.endedAt}`]),
          formatRun(last, state),
        ]),
    ...formatObstacles(state),
  ];
  return `${lines.join("\n")}\n`;
}

async function gather(paths: AsyncIterable<PlannedPathLine>): Promise<readonly PlannedPathLine[]> {
  const gathered: PlannedPathLine[] = [];
  for await (const path of paths) gathered.push(path);
  return gathered;
}
