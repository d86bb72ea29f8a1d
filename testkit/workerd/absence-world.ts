import type { StorePathHash } from "../../src/nix/store-path.ts";
import { ABSENCE_RULES, type AbsenceRules } from "../../src/worker/absence/absence-rules.ts";
import type { AbsenceContext } from "../../src/worker/absence/absence-context.ts";
import {
  createKnownAbsences,
  type KnownAbsences,
} from "../../src/worker/absence/known-absences.ts";
import { createPublicationMarks, NO_MARKS } from "../../src/worker/absence/publication-marks.ts";
import { CacheError } from "../../src/worker/cache-error.ts";
import { createTestLog } from "./log.ts";
import { createRandom, createVirtualTime } from "./virtual-time.ts";

const SECOND = 1000;

/**
 * The rules with shorter times in about the same proportions, so that an hour of the real
 * thing takes ten minutes of virtual time.
 */
export const SHORT_RULES: AbsenceRules = {
  ...ABSENCE_RULES,
  idleMilliseconds: 5 * SECOND,
  markMilliseconds: 6 * SECOND,
  graceMilliseconds: 40 * SECOND,
  settleMilliseconds: 45 * SECOND,
  probationMilliseconds: 40 * SECOND,
  foldMilliseconds: 60 * SECOND,
  filterMilliseconds: 200 * SECOND,
  leaseMilliseconds: 8 * SECOND,
  pagesInStep: 4,
  pagesInLook: 100,
  sweptInStep: 50,
  capacities: [8, 16, 64],
};

export interface WorldOptions {
  readonly seed: number;
  readonly rules?: Partial<AbsenceRules>;
  /** What is broken on purpose. */
  readonly fault?: "no-marks" | "late-marks" | "old-filter" | "same-deployment" | undefined;
  /** What the operator does meanwhile. */
  readonly story?: "calm" | "deployments" | "foreign" | undefined;
}

/** An absence that was told although the path was visible for longer than is allowed. */
interface Lie {
  readonly hash: string;
  readonly toldAt: number;
  readonly visibleSince: number;
}

export interface WorldEnd {
  readonly lies: readonly Lie[];
  /** The number of absences that were told. */
  readonly told: number;
  readonly isOff: boolean;
  /** The objects below `.nargate/` at the end. */
  readonly folder: readonly string[];
}

interface Version {
  readonly deployment: string;
  /** Whether ABSENT is "filter". */
  readonly isMarking: boolean;
}

const DURATION = 600 * SECOND;
const PATHS = 40;

/** The longest time that one request to the bucket takes. */
const SLOWEST = 3 * SECOND;

/**
 * Runs isolates that publish and look up paths for ten virtual minutes, in an order that
 * follows from the seed but for the random names in the bucket, with slow and failing requests, isolates that end in the middle
 * of their work, and clocks that differ by up to 15 seconds.
 */
export async function runWorld(options: WorldOptions): Promise<WorldEnd> {
  const random = createRandom(options.seed);
  const time = createVirtualTime(1_800_000_000_000);
  const begin = time.now();
  const rules = { ...SHORT_RULES, ...options.rules };
  const between = (low: number, high: number) => low + random() * (high - low);
  const objects = new Map<
    string,
    { readonly bytes: Uint8Array<ArrayBuffer>; readonly at: number }
  >();
  const visibleSince = new Map<string, number>();
  const { log } = createTestLog();
  const hashes = Array.from({ length: PATHS }, () => randomHash(random));
  const lies: Lie[] = [];
  let told = 0;
  let version: Version = { deployment: "first", isMarking: true };

  let versionSince = begin;

  async function call<T>(isAlive: () => boolean, effect: () => T): Promise<T> {
    await time.sleep(random() < 0.1 ? between(0, SLOWEST) : between(5, 100));
    if (!isAlive()) return await new Promise<never>(() => {});
    const fails = random() < 0.02;
    if (fails && random() < 0.5) throw new CacheError("bucket-unavailable", "before");
    const value = effect();
    await time.sleep(random() < 0.1 ? between(0, SLOWEST) : between(5, 100));
    if (!isAlive()) return await new Promise<never>(() => {});
    if (fails) throw new CacheError("bucket-unavailable", "after");
    return value;
  }

  function openBucket(isAlive: () => boolean): AbsenceContext["bucket"] {
    // Whether this isolate goes on with the first filter that it sees.
    const isStuck = options.fault === "old-filter" && random() < 0.5;
    let stuckTo: string | undefined;
    return {
      list: (start, { after = "", limit = 7 } = {}) =>
        call(isAlive, () => {
          let paths = [...objects.keys()].filter((path) => path.startsWith(start) && path > after);
          paths.sort();
          if (isStuck) {
            stuckTo ??= paths.findLast(isFilter);
            paths = paths.filter((path) => !isFilter(path));
            if (stuckTo?.startsWith(start) && stuckTo > after) paths.push(stuckTo);
            paths.sort();
          }
          const page = paths.slice(0, limit).map((path) => ({
            path,
            sizeBytes: 1,
            lastModified: new Date(objects.get(path)?.at ?? 0),
          }));
          return { objects: page, continuation: undefined, isLast: paths.length <= limit };
        }),
      read: (path) =>
        call(isAlive, () => {
          const object = objects.get(path);
          return object && { ...HEAD, bytes: object.bytes.slice().buffer };
        }),
      head: (path) =>
        call(isAlive, () => {
          const object = objects.get(path);
          const lastModified = object && new Date(object.at).toUTCString();
          return object && { ...HEAD, lastModified };
        }),
      put: (path, bytes) =>
        call(isAlive, () => {
          objects.set(path, { bytes: bytes.slice(), at: time.now() + between(0, 500) });
          const narinfo = /^(.{32})\.narinfo$/.exec(path)?.[1];
          if (narinfo !== undefined && !visibleSince.has(narinfo)) {
            visibleSince.set(narinfo, time.now());
          }
          return HEAD.etag;
        }),
      delete: (path) =>
        call(isAlive, () => {
          objects.delete(path);
          visibleSince.delete(path.slice(0, 32));
        }),
    };
  }

  interface Isolate {
    readonly bucket: AbsenceContext["bucket"];
    readonly absences: KnownAbsences;
    readonly now: () => number;
    readonly version: Version;
    readonly endsAt: number;
  }

  function createIsolate(): Isolate {
    const skew = between(-15, 15) * SECOND;
    const endsAt = time.now() + between(10, 400) * SECOND;
    const isAlive = () => time.now() < endsAt;
    const now = () => time.now() + skew;
    const bucket = openBucket(isAlive);
    const { deployment } = version;
    const context = { bucket, deployment, rules, log, now, random };
    return { bucket, now, version, endsAt, absences: createKnownAbsences(context) };
  }

  async function publish(isolate: Isolate, batch: readonly StorePathHash[]): Promise<void> {
    const { bucket, now } = isolate;
    const isMarked = isolate.version.isMarking && options.fault !== "no-marks";
    const marks = isMarked
      ? createPublicationMarks({ bucket, rules, now }, isolate.absences)
      : NO_MARKS;
    const put = async (hash: StorePathHash) =>
      await bucket.put(`${hash}.narinfo` as never, new Uint8Array(1), { contentType: "" });
    try {
      if (options.fault !== "late-marks") await marks.mark(batch);
      for (const hash of batch) {
        if (options.fault !== "late-marks") await marks.mark([hash]);
        await put(hash);
        if (options.fault === "late-marks") await marks.mark([hash]);
      }
    } catch (error) {
      // The client tries again another time.
      if (!(error instanceof CacheError)) throw error;
    }
  }

  function lookUp({ absences }: Isolate): void {
    void absences.refresh();
    for (const hash of hashes) {
      if (!absences.isAbsent(hash)) continue;
      told++;
      const since = visibleSince.get(hash);
      if (since !== undefined && time.now() - since > ABSENCE_RULES.believedMilliseconds) {
        lies.push({ hash, toldAt: time.now() - begin, visibleSince: since - begin });
      }
    }
  }

  async function live(): Promise<void> {
    let isolate = createIsolate();
    let lag = between(0, 25) * SECOND;
    while (time.now() < begin + DURATION) {
      await time.sleep(between(200, 3_000));
      // An isolate without the filter may go on for a while beside those with the filter.
      const isReplaced =
        isolate.version !== version && (!version.isMarking || time.now() - versionSince >= lag);
      if (isReplaced || time.now() >= isolate.endsAt) {
        isolate = createIsolate();
        lag = between(0, 25) * SECOND;
      }
      if (isolate.version.isMarking) lookUp(isolate);
      if (random() < 0.04) {
        const from = Math.floor(random() * PATHS);
        void publish(isolate, hashes.slice(from, from + 1 + Math.floor(random() * 3)));
      }
      if (random() < 0.02) {
        const hash = hashes[Math.floor(random() * PATHS)] ?? "";
        const removed = isolate.bucket.delete(`${hash}.narinfo` as never);
        removed.catch(() => {});
      }
    }
  }

  /** Goes back to ABSENT=bucket for a while, and on again. */
  async function deploy(): Promise<void> {
    await time.sleep(between(150, 250) * SECOND);
    const isSame = options.fault === "same-deployment";
    version = { deployment: isSame ? "first" : "second", isMarking: false };
    await time.sleep(between(20, 60) * SECOND);
    version = { deployment: isSame ? "first" : "third", isMarking: true };
    versionSince = time.now();
  }

  async function publishPastTheGateway(): Promise<void> {
    await time.sleep(between(200, 300) * SECOND);
    objects.set(`${randomHash(random)}.narinfo`, { bytes: new Uint8Array(1), at: time.now() });
  }

  // The NARs lie between the narinfos.
  for (let nar = 0; nar < 20; nar++) {
    objects.set(`nar/${randomHash(random)}.nar`, { bytes: new Uint8Array(1), at: begin });
  }
  for (let isolate = 0; isolate < 3; isolate++) void live();
  if (options.story === "deployments") void deploy();
  if (options.story === "foreign") void publishPastTheGateway();
  await time.run(begin + DURATION + 60 * SECOND);
  const folder = [...objects.keys()].filter((path) => path.startsWith(".nargate/"));
  return { lies, told, folder, isOff: folder.some((path) => path.endsWith("/off")) };
}

const isFilter = (path: string): boolean => path.includes("/filter-");

const HEAD = { sizeBytes: 1, etag: '"1"', lastModified: undefined, contentEncoding: undefined };

function randomHash(random: () => number): StorePathHash {
  const digits = "0123456789abcdfghijklmnpqrsvwxyz";
  return Array.from({ length: 32 }, () => digits[Math.floor(random() * 32)]).join(
    "",
  ) as StorePathHash;
}
