import { keptRevisions, type Pin } from "../../api/pins.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import { createPinApi, type PinList } from "../../client/gateway/pin-api.ts";
import { formatKeep } from "../../client/push/pin-outcome.ts";
import { formatStorePath } from "../../nix/store-path.ts";
import { addCacheOptions, type AddCommand } from "../command.ts";

interface PinsOptions extends CacheOptions {
  readonly json?: boolean;
}

interface ReportContext {
  readonly url: string;
  readonly storeDir: string;
  readonly now: Date;
}

/** `nargate pins`: lists the pins of a cache. */
export const addPinsCommand: AddCommand = (program, context, setExitCode) => {
  const command = program
    .command("pins")
    .summary("List the pins of the cache.")
    .description(
      "List the pins of the cache, and the paths that they keep. The exit code is 1 if the cache has an object among its pins that is no pin.",
    )
    .option("--json", "print JSON, also with the revisions that are no longer kept")
    .addHelpText("after", "\nExample:\n  nargate pins --to https://cache.example.org\n")
    .action(async (options: PinsOptions) => {
      const { client, firstContact } = await openCache(options, context);
      const { storeDir } = await readGatewayFacts(firstContact);
      const list = await createPinApi(client).list();
      const report = { url: client.url, storeDir, now: context.now() };
      context.stdout.write(
        options.json === true ? formatPinsJson(list, report) : formatPins(list, report),
      );
      if (list.unreadable.length > 0) setExitCode(1);
    });
  addCacheOptions(command);
};

/** Returns the list for people. */
function formatPins({ pins, unreadable }: PinList, { storeDir, now }: ReportContext): string {
  const lines = pins.flatMap((pin) => {
    const [newest] = pin.revisions;
    if (newest === undefined) return [];
    const kept = keptRevisions(pin, now);
    const paths = kept.map(({ path, at }) => `  ${dayOf(at)}  ${formatStorePath(path, storeDir)}`);
    const end = `  ENDED: the last revision is of ${dayOf(newest.at)}`;
    return [
      pin.name,
      `  keeps ${formatKeep(newest.keep)}; last pinned by ${newest.by}`,
      ...(paths.length === 0 ? [end] : paths),
    ];
  });
  const total = new Set(
    pins.flatMap((pin) => keptRevisions(pin, now).map(({ path }) => path.hash)),
  );
  const summary = `${count(pins.length, "pin")}, ${count(total.size, "path")} kept`;
  return `${[...lines, ...(lines.length === 0 ? [] : [""]), summary, ...warn(unreadable)].join("\n")}\n`;
}

/** Returns the list as JSON. */
function formatPinsJson(
  { pins, unreadable }: PinList,
  { url, storeDir, now }: ReportContext,
): string {
  const value = {
    url,
    pins: pins.map((pin) => ({
      name: pin.name,
      keep: pin.revisions[0]?.keep,
      revisions: revisionsOf(pin, storeDir, now),
    })),
    unreadable,
  };
  return `${JSON.stringify(value, null, 2)}\n`;
}

function revisionsOf(pin: Pin, storeDir: string, now: Date) {
  const kept = new Set(keptRevisions(pin, now));
  return pin.revisions.map((revision) => ({
    path: formatStorePath(revision.path, storeDir),
    at: revision.at,
    by: revision.by,
    kept: kept.has(revision),
  }));
}

const MAX_SHOWN = 10;

function warn(unreadable: readonly string[]): readonly string[] {
  if (unreadable.length === 0) return [];
  return [
    "",
    `UNREADABLE: ${count(unreadable.length, "object")} below .nargate/pins/ in the bucket:`,
    ...unreadable.slice(0, MAX_SHOWN).map((name) => `  ${name}`),
    ...(unreadable.length > MAX_SHOWN ? [`  and ${unreadable.length - MAX_SHOWN} more`] : []),
    "A newer gateway may have written them. If not, delete them in the bucket.",
  ];
}

/** In UTC. */
function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
