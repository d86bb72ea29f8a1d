import { parseNarinfo } from "../../src/nix/narinfo.ts";
import type { StorePathHash } from "../../src/nix/store-path.ts";
import type { RetentionSettings } from "../../src/settings/retention-settings.ts";
import type { Bucket } from "../../src/worker/bucket/bucket.ts";
import { CacheError } from "../../src/worker/cache-error.ts";
import type { CatalogPort } from "../../src/worker/catalog/catalog.ts";
import { STEP_LIMITS } from "../../src/worker/catalog/catalog-context.ts";
import { type CatalogCore, createCatalogCore } from "../../src/worker/catalog/catalog-core.ts";
import {
  RETENTION_RULES,
  type RetentionRules,
} from "../../src/worker/catalog/retention/retention-rules.ts";
import type { Sql } from "../../src/worker/catalog/sql.ts";
import { createRemovalGuard, type RemovalGuard } from "../../src/worker/ingest/removal-guard.ts";
import { createTestLog } from "./log.ts";
import { createRandom, createVirtualTime } from "./virtual-time.ts";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The rules with shorter graces, so that a path is pushed and removed many times in some weeks. */
export const SHORT_RULES: RetentionRules = {
  ...RETENTION_RULES,
  pathGraceMilliseconds: 27 * HOUR,
  narGraceMilliseconds: 54 * HOUR,
  tombstoneMilliseconds: 80 * HOUR,
  leaseMilliseconds: 2 * HOUR,
};

/** How long Nix believes that a narinfo exists: less than `tombstoneMilliseconds`, as in reality. */
const CLIENT_MEMORY = 54 * HOUR;
/** How long an edge gives out a narinfo. */
const EDGE_MEMORY = 25 * HOUR;

const POLICY: RetentionSettings = {
  isCollecting: true,
  ageMilliseconds: 12 * HOUR,
  since: "use",
  newest: 0,
  budgetBytes: undefined,
};

/** What is broken on purpose. */
export type RetentionFault =
  /** Announced narinfos need nothing until they are confirmed. */
  | "intents-need-nothing"
  /** A narinfo is published although a reference was removed. */
  | "collected-not-refused"
  /** The tombstones vanish. */
  | "no-tombstones"
  /** A deletion whose answer was lost counts as done. */
  | "no-hold"
  /** The hold counts from the first attempt. */
  | "hold-from-first"
  /** The bucket port repeats a DELETE by itself. */
  | "repeated-deletes"
  /** The narinfo is not announced again after five minutes. */
  | "stale-intents"
  /** The first of several pushes of a path settles the intents of all. */
  | "first-note-settles"
  /** Removes while no listing is complete. */
  | "no-listing"
  /** Removes beside a narinfo that cannot be read. */
  | "unreadable"
  /** A text of the right length counts as the text that a push has told. */
  | "length-is-enough"
  /** A NAR is stored while it is being deleted. */
  | "no-nar-lease"
  /** A path or NAR is published while it is being deleted. */
  | "publish-while-deleting";

export interface RetentionWorldOptions {
  readonly sql: Sql;
  /** Makes the database empty again. */
  readonly reset: () => void;
  readonly seed: number;
  readonly rules?: Partial<RetentionRules> | undefined;
  readonly fault?: RetentionFault | undefined;
  /** Whether requests fail, objects restart and catalogs are lost. */
  readonly isCalm?: boolean | undefined;
  readonly days?: number | undefined;
  /** Whether the gateway leases what it tells pushers of. */
  readonly leases?: boolean | undefined;
  readonly trace?: ((line: string) => void) | undefined;
}

export interface RetentionWorldEnd {
  readonly violations: readonly string[];
  readonly published: number;
  readonly removedPaths: number;
  readonly removedNars: number;
  readonly losses: number;
  readonly restarts: number;
  readonly refused: number;
  /** Copies that failed because a NAR was gone that the pusher had been told of. */
  readonly narAbsent: number;
}

interface StoredObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly at: number;
}

interface WorldPath {
  readonly hash: StorePathHash;
  readonly references: readonly number[];
  /** The names of the NARs that pushers may make of it: two compressions. */
  readonly nars: readonly [string, string];
}

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";
const hashOf = (index: number): StorePathHash =>
  (DIGITS[index] as string).repeat(32) as StorePathHash;
const narOf = (index: number, variant: number): string =>
  `nar/${"0" + (DIGITS[index] as string).repeat(50) + (DIGITS[variant] as string)}.nar`;

/** References to paths of lower numbers. Paths 6 and 7 have the same contents. */
const REFERENCES: readonly (readonly number[])[] = [[], [], [0], [0, 1], [2], [2, 3], [4], [4, 5]];
const PATHS: readonly WorldPath[] = REFERENCES.map((references, index) => {
  const contents = index === 7 ? 6 : index;
  return { hash: hashOf(index), references, nars: [narOf(contents, 0), narOf(contents, 1)] };
});
/** Pinned from the first to the last moment, in half of the worlds. */
const PINNED = PATHS[3] as WorldPath;

function textOf({ hash, references }: WorldPath, nar: string, signature: number): string {
  const file = nar.slice("nar/".length, -".nar".length);
  return [
    `StorePath: /nix/store/${hash}-thing`,
    `URL: ${nar}`,
    "Compression: none",
    `FileHash: sha256:${file}`,
    "FileSize: 1",
    `NarHash: sha256:${file}`,
    "NarSize: 1",
    `References: ${references.map((index) => `${hashOf(index)}-thing`).join(" ")}`,
    `Sig: key-${signature}:${"A".repeat(86)}==`,
    "",
  ].join("\n");
}

const never = (): Promise<never> => new Promise(() => {});

/**
 * Runs pushers like `nix copy`, with stale caches on their disks, beside the real catalog, in
 * an order that follows from the seed. Requests to the bucket take effect late or get no
 * answer, the object restarts, its data are lost, and confirmations do not arrive.
 *
 * It takes for granted that a request which was given up acts within the hold or never.
 */
export async function runRetentionWorld(
  options: RetentionWorldOptions,
): Promise<RetentionWorldEnd> {
  const { sql, reset, seed, fault, isCalm = false, days = 24, leases = true } = options;
  const random = createRandom(seed);
  const pins = seed % 2 === 0 ? [PINNED.hash] : [];
  const time = createVirtualTime(1_800_000_000_000);
  const begin = time.now();
  const rules = { ...SHORT_RULES, ...options.rules };
  const between = (low: number, high: number) => low + random() * (high - low);
  const chance = (share: number) => random() < share;
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const { log } = createTestLog();
  const objects = new Map<string, StoredObject>();
  /** The references that were there when each narinfo was published. */
  const needs = new Map<string, ReadonlySet<string>>();
  /** When collection removed each narinfo that is gone. */
  const removedAt = new Map<string, number>();
  const violations: string[] = [];
  const counts = { published: 0, removedPaths: 0, removedNars: 0, losses: 0, restarts: 0 };
  let refused = 0;
  let narAbsent = 0;
  let lostAt = -Infinity;
  let tags = 0;
  let isOver = false;
  const alarmed = new Set<() => void>();
  const say = (line: string) =>
    options.trace?.(`${((time.now() - begin) / HOUR).toFixed(4)} h ${line}`);

  const violate = (line: string): void => {
    say(`VIOLATION ${line}`);
    violations.push(`${((time.now() - begin) / HOUR).toFixed(3)} h: ${line}`);
  };

  // The bucket.

  function check(): void {
    for (const { hash } of PATHS) {
      const narinfo = objects.get(`${hash}.narinfo`);
      if (narinfo === undefined) continue;
      const nar = /^URL: (.*)$/m.exec(new TextDecoder().decode(narinfo.bytes))?.[1] ?? "";
      if (!objects.has(nar)) violate(`${hash[0]} lacks its NAR ${nar.slice(4, 6)}${nar.at(-5)}`);
      for (const need of needs.get(hash) ?? []) {
        if (!objects.has(`${need}.narinfo`)) violate(`${hash[0]} lacks ${need[0]}`);
      }
    }
  }

  function put(path: string, bytes: Uint8Array<ArrayBuffer>, isUpstream: boolean): void {
    say(`put ${path.slice(0, 6)} ${path.at(-5)}`);
    objects.set(path, { bytes, etag: `"${++tags}"`, at: time.now() });
    const published = PATHS.find(({ hash }) => path === `${hash}.narinfo`);
    if (published === undefined) return;
    counts.published++;
    const present = published.references
      .map(hashOf)
      .filter((hash) => objects.has(`${hash}.narinfo`));
    needs.set(published.hash, new Set(present));
    for (const index of published.references) {
      const hash = hashOf(index);
      if (present.includes(hash) || isUpstream) continue;
      // A lost catalog does not know what it has removed.
      if ((removedAt.get(hash) ?? -Infinity) > lostAt) {
        violate(`${published.hash[0]} is published without ${hash[0]}, which was removed`);
      }
    }
    check();
  }

  function remove(path: string): void {
    if (!objects.has(path)) return;
    say(`removed ${path.slice(0, 6)} ${path.at(-5)}`);
    objects.delete(path);
    if (path.startsWith("nar/")) counts.removedNars++;
    else {
      const hash = path.slice(0, 32);
      counts.removedPaths++;
      removedAt.set(hash, time.now());
      needs.delete(hash);
      if (isPinned(hash)) violate(`the pinned path ${hash[0]} was removed`);
    }
    check();
  }

  const pinnedClosure = new Set<string>();
  (function pin({ hash, references }: WorldPath): void {
    pinnedClosure.add(hash);
    for (const index of references) pin(PATHS[index] as WorldPath);
  })(PINNED);
  // Only what its pinned referrer has found in place is kept by the pin.
  const isPinned = (hash: string) =>
    (pins.length > 0 && hash === PINNED.hash) ||
    (pins.length > 0 && pinnedClosure.has(hash) && needs.get(PINNED.hash)?.has(hash) === true);

  /** A request that changes something: it may fail, and act all the same, sooner or later. */
  async function change(isAlive: () => boolean, effect: () => void, share = 0.08): Promise<void> {
    const once = () => {
      if (!isOver) effect();
    };
    await time.sleep(chance(0.2) ? between(0, 8 * SECOND) : between(5, 200));
    if (!isCalm && chance(share)) {
      const end = time.now();
      const when = chance(0.5)
        ? between(0, rules.attemptMilliseconds + RETENTION_RULES.holdMilliseconds - 10 * SECOND)
        : undefined;
      if (when !== undefined) {
        say("a request will act late");
        void time.sleep(when).then(once);
      }
      await time.sleep(chance(0.5) ? between(0, SECOND) : rules.attemptMilliseconds - SECOND);
      if (!isAlive()) return await never();
      const isLate =
        when !== undefined && end + when > time.now() + RETENTION_RULES.holdMilliseconds;
      if (isLate) await time.sleep(end + when - time.now() - RETENTION_RULES.holdMilliseconds);
      if (!isAlive()) return await never();
      throw new CacheError("bucket-unavailable", "no answer");
    }
    effect();
    await time.sleep(between(5, 200));
    if (!isAlive()) return await never();
  }

  async function look<T>(isAlive: () => boolean, find: () => T): Promise<T> {
    await time.sleep(chance(0.1) ? between(0, 10 * SECOND) : between(5, 100));
    const value = find();
    await time.sleep(between(5, 100));
    if (!isAlive()) return await never();
    if (!isCalm && chance(0.01)) throw new CacheError("bucket-unavailable", "no answer");
    return value;
  }

  const headOf = (object: StoredObject) => ({
    sizeBytes: object.bytes.byteLength,
    etag: object.etag,
    lastModified: undefined,
    contentEncoding: undefined,
  });

  type CatalogBucket = Pick<Bucket, "list" | "read" | "head" | "delete">;

  function openBucket(isAlive: () => boolean): CatalogBucket {
    const removeOnce = async (path: string, share?: number) => {
      say(`delete ${path.slice(0, 6)} ${path.at(-5)}`);
      if (!path.endsWith(".ls")) for (const wake of alarmed) if (chance(0.5)) wake();
      await change(isAlive, () => remove(path), share);
    };
    return {
      list: (start, { after = "", limit = 1000, isFlat = false } = {}) =>
        look(isAlive, () => {
          const paths = [...objects.keys()].filter(
            (path) =>
              path.startsWith(start) &&
              path > after &&
              !(isFlat && path.slice(start.length).includes("/")),
          );
          paths.sort();
          const page = paths.slice(0, limit).map((path) => {
            const object = objects.get(path) as StoredObject;
            return { path, ...headOf(object), lastModified: new Date(object.at) };
          });
          return { objects: page, continuation: undefined, isLast: paths.length <= limit };
        }),
      read: (path) =>
        look(isAlive, () => {
          const object = objects.get(path);
          return object && { ...headOf(object), bytes: object.bytes.slice().buffer };
        }),
      head: (path) =>
        look(isAlive, () => {
          const object = objects.get(path);
          return object && headOf(object);
        }),
      async delete(path) {
        if (fault !== "repeated-deletes") return await removeOnce(path);
        await removeOnce(path, 0.3).catch(async () => await removeOnce(path, 0));
      },
    };
  }

  // The object of the catalog.

  interface Generation {
    isAlive: boolean;
    readonly core: CatalogCore;
    readonly death: Promise<never>;
    die(): void;
  }

  function createGeneration(): Generation {
    let kill = (_: Error): void => {};
    const death = new Promise<never>((_, reject) => {
      kill = reject;
    });
    death.catch(() => {});
    const context = {
      sql,
      bucket: openBucket(() => generation.isAlive) as Bucket,
      storeDir: "/nix/store",
      log,
      now: time.now,
    };
    const core = createCatalogCore(context, STEP_LIMITS, {
      policy: POLICY,
      rules,
      deployment: "first",
      readPins: async () => {
        await time.sleep(between(5, 100));
        if (!isCalm && chance(0.02)) throw new CacheError("bucket-unavailable", "a pin");
        return pins;
      },
    });
    const generation: Generation = {
      isAlive: true,
      core,
      death,
      die() {
        this.isAlive = false;
        kill(new Error("the object was reset"));
      },
    };
    return generation;
  }

  let object = createGeneration();

  function restart(isLost: boolean): void {
    say(isLost ? "LOST" : "restart");
    object.die();
    counts.restarts++;
    if (isLost) {
      counts.losses++;
      lostAt = time.now();
      reset();
    }
    object = createGeneration();
    breakDatabase();
  }

  /** Breaks on purpose what the object has written down. */
  function breakDatabase(): void {
    if (fault === "intents-need-nothing") {
      sql.all("DELETE FROM ref WHERE source IN (SELECT id FROM path WHERE state = 2)");
      sql.all("DELETE FROM intent_nar");
    }
    if (fault === "no-tombstones") {
      sql.all("UPDATE path SET gone_until = 0 WHERE gone_until IS NOT NULL");
    }
    if (fault === "no-hold") {
      sql.all("UPDATE path SET held_until = 0 WHERE held_until IS NOT NULL");
      sql.all("UPDATE loose_nar SET deleting_until = 0 WHERE deleting_until IS NOT NULL");
    }
    if (fault === "first-note-settles") {
      sql.all("UPDATE path SET intents = 1 WHERE intents IS NOT NULL");
    }
    if (fault === "no-listing") {
      sql.all(
        "INSERT INTO meta VALUES ('completeAt', 1), ('listedFrom', ?1) ON CONFLICT DO UPDATE SET value = excluded.value",
        time.now(),
      );
    }
    if (fault === "unreadable") sql.all("UPDATE path SET problem = NULL");
  }

  /** A call of the object across the network. */
  async function call<T>(work: (core: CatalogCore) => Promise<T>): Promise<T> {
    await time.sleep(between(1, 50));
    const { core, death } = object;
    const answer = await Promise.race([work(core), death]);
    breakDatabase();
    await time.sleep(between(1, 50));
    return answer;
  }

  const port: Pick<CatalogPort, "intend" | "lease"> = {
    async intend(intentions) {
      const answer = await call((core) => core.intend(intentions));
      if (answer.status !== "answered") return answer;
      const verdicts = answer.verdicts.map((verdict) => {
        if (verdict.kind === "collected") refused++;
        const isIgnored =
          (verdict.kind === "collected" && fault === "collected-not-refused") ||
          (verdict.kind === "busy" && fault === "publish-while-deleting");
        return isIgnored ? ({ kind: "ok" } as const) : verdict;
      });
      return { ...answer, verdicts };
    },
    lease: async (wanted) =>
      fault === "no-nar-lease" ? { busyNars: [] } : await call((core) => core.lease(wanted)),
  };

  async function live(): Promise<void> {
    for (;;) {
      const { core, isAlive } = object;
      const wait = Math.max(core.nextStepAt() - time.now(), 100);
      await time.sleep(Math.min(wait, HOUR));
      if (object.core !== core || !isAlive) continue;
      if (core.nextStepAt() > time.now()) continue;
      await Promise.race([core.step(), object.death]).catch(() => {});
      breakDatabase();
    }
  }

  // Clients.

  const edge = new Map<string, { readonly text: string; readonly until: number }>();

  /** A client asks for a narinfo. The edge may answer for one that is gone. */
  async function readNarinfo(hash: StorePathHash, isFresh: boolean): Promise<string | undefined> {
    const kept = edge.get(hash);
    if (!isFresh && kept !== undefined && kept.until > time.now()) return kept.text;
    const found = await look(
      () => true,
      () => objects.get(`${hash}.narinfo`),
    );
    if (found === undefined) return undefined;
    const text = new TextDecoder().decode(found.bytes);
    edge.set(hash, { text, until: time.now() + (chance(0.8) ? HOUR : EDGE_MEMORY) });
    return text;
  }

  interface Pusher {
    readonly name: string;
    /** What Nix keeps on its disk: until when it believes that a path is there. */
    readonly disk: Map<StorePathHash, number>;
  }

  function closureOf(index: number, found = new Set<number>()): ReadonlySet<number> {
    for (const reference of PATHS[index]?.references ?? []) closureOf(reference, found);
    return found.add(index);
  }

  const createGuard = (): RemovalGuard =>
    createRemovalGuard({
      catalog: port as CatalogPort,
      clock: { now: () => new Date(time.now()), sleep: time.sleep },
      intentMilliseconds: fault === "stale-intents" ? 20 * MINUTE : rules.intentMilliseconds,
    });

  /** Copies a closure as `nix copy` does. */
  async function copy({ disk }: Pusher, root: number): Promise<void> {
    const isRefreshing = chance(0.2);
    const guard = createGuard();
    const missing: WorldPath[] = [];
    // Paths of lower numbers first: these are the references.
    for (const index of [...closureOf(root)].toSorted((left, right) => left - right)) {
      const path = PATHS[index] as WorldPath;
      if (!isRefreshing && (disk.get(path.hash) ?? 0) > time.now()) continue;
      if ((await readNarinfo(path.hash, false)) === undefined) missing.push(path);
      else {
        // An edge may have answered, and Nix believes it for its whole time.
        disk.set(path.hash, time.now() + CLIENT_MEMORY);
        if (leases) await call((core) => core.lease({ paths: [path.hash] })).catch(() => {});
      }
    }
    for (const path of missing) {
      await publish(path, guard);
      disk.set(path.hash, time.now() + CLIENT_MEMORY);
      await time.sleep(chance(0.1) ? between(0, 20 * MINUTE) : between(0, 5 * SECOND));
    }
  }

  async function publish(path: WorldPath, guard: RemovalGuard): Promise<void> {
    const nar = pick(path.nars);
    await storeNar(nar, guard);
    const text = textOf(path, nar, Math.floor(random() * 10));
    const narinfo = parseNarinfo(text, "/nix/store");
    if (!narinfo.ok) throw new Error(narinfo.error);
    const key = `${path.hash}.narinfo`;
    for (let attempt = 1; attempt <= 5; attempt++) {
      await guard.hold(narinfo.value);
      const [published, stored] = await Promise.all([
        look(
          () => true,
          () => objects.get(key),
        ),
        look(
          () => true,
          () => objects.has(nar),
        ),
      ]);
      let next = text;
      if (published !== undefined) {
        // Its text stays, and gains a signature.
        if (attempt > 1 || chance(0.5)) return;
        next = new TextDecoder()
          .decode(published.bytes)
          .replace(/key-\d/, `key-${Math.floor(random() * 10)}`);
      } else if (!stored) {
        narAbsent++;
        throw new CacheError("nar-absent", nar);
      }
      await time.sleep(chance(0.15) ? between(0, 12 * MINUTE) : between(0, SECOND));
      if (!guard.isHeld(path.hash)) continue;
      try {
        const bytes = new TextEncoder().encode(next) as Uint8Array<ArrayBuffer>;
        await change(
          () => true,
          () => put(key, bytes, false),
        );
      } catch (error) {
        if (!(error instanceof CacheError)) throw error;
        continue;
      }
      const note = { hash: path.hash, text: next };
      if (isCalm || chance(0.8)) {
        void time
          .sleep(between(0, 10 * SECOND))
          .then(() => call((core) => core.note({ by: "ci", narinfos: [note] })))
          .catch(() => {});
      }
      return;
    }
  }

  async function storeNar(nar: string, guard: RemovalGuard): Promise<void> {
    const isStored = await look(
      () => true,
      () => objects.has(nar),
    );
    if (isStored) {
      // Beside the answer of the HEAD.
      if (leases) void guard.lease(nar).catch(() => {});
      await time.sleep(chance(0.1) ? between(0, 10 * MINUTE) : between(0, SECOND));
      return;
    }
    await guard.lease(nar);
    // A signed upload, or a slow one: it is leased again before it appears.
    if (chance(0.1)) {
      await time.sleep(between(0, 6 * HOUR));
      await guard.lease(nar);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await change(
          () => true,
          () => put(nar, new Uint8Array(1), false),
        );
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  async function push(name: string): Promise<void> {
    const pusher: Pusher = { name, disk: new Map() };
    for (;;) {
      await new Promise<void>((resolve) => {
        let isAwake = false;
        const wake = () => {
          if (isAwake) return;
          isAwake = true;
          alarmed.delete(hurry);
          resolve();
        };
        // A push that meets a deletion is what this is about.
        const hurry = () =>
          void time.sleep(chance(0.5) ? between(0, SECOND) : between(0, 20 * MINUTE)).then(wake);
        alarmed.add(hurry);
        void time.sleep(between(HOUR, 40 * HOUR)).then(wake);
      });
      const root = Math.floor(random() * PATHS.length);
      say(`${name} pushes ${root}`);
      await copy(pusher, root).catch((error: unknown) => {
        say(`${name}: ${error instanceof CacheError ? error.code : String(error)}`);
      });
    }
  }

  async function operate(): Promise<void> {
    for (;;) {
      await time.sleep(between(2 * HOUR, 10 * HOUR));
      await call((core) => core.collect({ kind: "run", by: "operator" })).catch(() => {});
    }
  }

  async function trouble(): Promise<void> {
    const disturb = () => {
      if (chance(0.3)) void time.sleep(between(0, 15 * SECOND)).then(() => restart(chance(0.1)));
    };
    alarmed.add(disturb);
    for (;;) {
      await time.sleep(between(6 * HOUR, 4 * DAY));
      restart(chance(0.15));
    }
  }

  void live();
  for (const name of ["first", "second", "third"]) void push(name);
  void operate();
  if (!isCalm) void trouble();
  await time.run(begin + days * DAY);
  isOver = true;
  object.die();
  return { violations: [...new Set(violations)], refused, narAbsent, ...counts };
}

export { DAY };
