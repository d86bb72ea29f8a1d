import type { StorePathHash } from "../../nix/store-path.ts";
import type { AbsenceContext, LoadedFilter } from "./absence-context.ts";
import { type AbsenceFolder, readAbsenceFolder } from "./absence-folder.ts";
import { type HashFilter, type HashPrefix, mayHaveHash, prefixOf } from "./hash-filter.ts";
import { keepFilter, type OwnStep, readFilterFile } from "./keep-filter.ts";
import { detailOf } from "../log.ts";

/** The reason why absences are told or not, for the operator. */
export type AbsenceState =
  | "no-deployment"
  | "not-looked"
  | "told"
  | "off"
  | "no-filter"
  | "unconfirmed"
  | "other-deployment"
  | "too-old"
  | "unclear"
  | "too-many-paths"
  | "bucket-failed";

/** The paths that one isolate knows to be absent, for one cache. */
export interface KnownAbsences {
  /**
   * Whether the cache had no such narinfo at some time in the last 10 seconds. `false`
   * means only that the bucket must be asked. Costs no request.
   */
  isAbsent(hash: StorePathHash): boolean;
  /** Looks at the bucket, and never throws. Returns `undefined` if it is not time for it. */
  refresh(): Promise<void> | undefined;
  /** Notes that this isolate is about to publish these paths. */
  notePublished(prefixes: readonly HashPrefix[]): void;
  readonly state: AbsenceState;
}

/** A look at the folder, with the filter that was the newest one in it. */
interface View {
  /** The time before the look began. */
  readonly at: number;
  readonly filter: HashFilter;
  readonly marked: ReadonlySet<HashPrefix>;
}

/** After this time, work that never ended counts as ended: the platform ends requests. */
const LOST_MILLISECONDS = 60_000;

export function createKnownAbsences(context: AbsenceContext): KnownAbsences {
  const { rules, now, log, bucket } = context;
  let view: View | undefined;
  let state: AbsenceState = context.deployment === "" ? "no-deployment" : "not-looked";
  let loaded: LoadedFilter | undefined;
  let own: OwnStep | undefined;
  let lookedAt = -Infinity;
  let lookingSince = -Infinity;
  let keptSince = -Infinity;
  /** The paths that this isolate has published itself, and when. A look may have begun before. */
  const published = new Map<HashPrefix, number>();

  async function loadNewest({ filters }: AbsenceFolder): Promise<LoadedFilter | undefined> {
    const newest = filters.at(-1);
    if (newest === undefined) return undefined;
    if (loaded?.path === newest.path) return loaded;
    const read = await readFilterFile(newest.path, context);
    return read === undefined ? undefined : { ...newest, ...read };
  }

  function judge(folder: AbsenceFolder, at: number): AbsenceState {
    if (folder.isOff) return "off";
    if (loaded === undefined) return "no-filter";
    const { deployment, isConfirmed, start } = loaded.file;
    if (deployment !== context.deployment) return "other-deployment";
    if (!isConfirmed) return "unconfirmed";
    if (at - start > rules.filterMilliseconds) return "too-old";
    return folder.isWhole ? "told" : "unclear";
  }

  async function look(): Promise<AbsenceFolder> {
    const at = now();
    lookedAt = at;
    const folder = await readAbsenceFolder(bucket, rules.pagesInLook);
    loaded = await loadNewest(folder);
    state = judge(folder, at);
    view =
      state === "told" && loaded !== undefined
        ? { at, filter: loaded.file.filter, marked: folder.marked }
        : undefined;
    return folder;
  }

  async function keep(folder: AbsenceFolder): Promise<void> {
    // One step takes longer than the pause between two looks.
    if (folder.isOff || now() - keptSince < LOST_MILLISECONDS) return;
    keptSince = now();
    try {
      const upkeep = await keepFilter(folder, loaded, own, context);
      own = upkeep.step;
      if (upkeep.problem === "too-many") state = "too-many-paths";
    } finally {
      keptSince = -Infinity;
    }
  }

  function isDue(): boolean {
    if (context.deployment === "" || now() - lookingSince < LOST_MILLISECONDS) return false;
    const pause =
      own !== undefined
        ? rules.stepMilliseconds
        : view !== undefined
          ? rules.refreshMilliseconds
          : rules.idleMilliseconds;
    return now() - lookedAt >= pause;
  }

  async function lookOnce(): Promise<AbsenceFolder> {
    lookingSince = now();
    try {
      return await look();
    } finally {
      lookingSince = -Infinity;
    }
  }

  async function lookAndKeep(): Promise<void> {
    try {
      await keep(await lookOnce());
    } catch (error) {
      // The last view is believed until its time is over.
      const detail = detailOf(error);
      log("warn", "absence-look-failed", { detail });
      if (view === undefined) state = "bucket-failed";
    }
  }

  return {
    get state() {
      return state;
    },

    isAbsent(hash) {
      if (view === undefined) return false;
      const age = now() - view.at;
      // A clock that went back proves nothing.
      if (age < 0 || age >= rules.believedMilliseconds) return false;
      const prefix = prefixOf(hash);
      return !(
        mayHaveHash(view.filter, prefix) ||
        view.marked.has(prefix) ||
        published.has(prefix)
      );
    },

    notePublished(prefixes) {
      const at = now();
      // The oldest come first. An isolate that only takes pushes never looks.
      for (const [prefix, since] of published) {
        if (at - since <= rules.markMilliseconds) break;
        published.delete(prefix);
      }
      for (const prefix of prefixes) {
        published.delete(prefix);
        published.set(prefix, at);
      }
    },

    refresh: () => (isDue() ? lookAndKeep() : undefined),
  };
}
