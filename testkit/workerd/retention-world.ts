import type { RetentionSettings } from "../../src/settings/retention-settings.ts";
import { CacheError } from "../../src/worker/cache-error.ts";
import type { CatalogPort } from "../../src/worker/catalog/catalog.ts";
import { STEP_LIMITS } from "../../src/worker/catalog/catalog-context.ts";
import { type CatalogCore, createCatalogCore } from "../../src/worker/catalog/catalog-core.ts";
import {
  RETENTION_RULES,
  type RetentionRules,
} from "../../src/worker/catalog/retention/retention-rules.ts";
import type { Sql } from "../../src/worker/catalog/sql.ts";
import { createTestLog } from "./log.ts";
import { createDice, DAY, HOUR, SECOND } from "./retention-dice.ts";
import { createWorldBucket, WORLD_PATHS, type WorldPath } from "./retention-world-bucket.ts";
import { createWorldPusher, keepPushing } from "./retention-world-pusher.ts";

/** The rules with shorter graces, so that a path is pushed and removed many times in some weeks. */
const SHORT_RULES: RetentionRules = {
  ...RETENTION_RULES,
  pathGraceMilliseconds: 27 * HOUR,
  narGraceMilliseconds: 54 * HOUR,
  tombstoneMilliseconds: 80 * HOUR,
  leaseMilliseconds: 2 * HOUR,
};

const POLICY: RetentionSettings = {
  isCollecting: true,
  ageMilliseconds: 12 * HOUR,
  since: "use",
  newest: 0,
  budgetBytes: undefined,
};

/** What is broken on purpose. */
export type RetentionFault =
  /** A narinfo is published although a reference was removed. */
  | "collected-not-refused"
  /** Something is published while it is being deleted. */
  | "busy-not-refused"
  /** A deletion whose answer was lost counts as failed at once. */
  | "no-hold"
  /** The bucket port repeats a DELETE by itself. */
  | "repeated-deletes"
  /** A PUT may leave long after its intent. */
  | "stale-intents";

export interface RetentionWorldOptions {
  readonly sql: Sql;
  /** Makes the database empty again. */
  readonly reset: () => void;
  readonly seed: number;
  readonly rules?: Partial<RetentionRules> | undefined;
  readonly fault?: RetentionFault | undefined;
  /** Whether no request fails, and the object neither restarts nor loses its data. */
  readonly isCalm?: boolean | undefined;
  /** Whether the gateway leases what it tells pushers of. */
  readonly leases?: boolean | undefined;
  readonly trace?: ((line: string) => void) | undefined;
}

export interface RetentionWorldEnd {
  /** Narinfos that lost their NAR or a reference, or were published without one that was removed. */
  readonly violations: readonly string[];
  readonly published: number;
  readonly removedPaths: number;
  readonly removedNars: number;
  /** How often the catalog lost its data, and how often its object was reset. */
  readonly losses: number;
  readonly restarts: number;
  /** How often a push was refused because of a removed reference. */
  readonly refused: number;
  /** Copies that ended because a NAR was gone that the pusher had been told of. */
  readonly narAbsent: number;
}

/** Pinned from the first to the last moment, in half of the worlds. */
const PINNED = WORLD_PATHS[3] as WorldPath;
const DURATION = 24 * DAY;

interface ObjectInstance {
  isAlive: boolean;
  readonly core: CatalogCore;
  readonly death: Promise<never>;
  die(): void;
}

/**
 * Runs pushers like `nix copy`, with stale caches on their disks, beside the real catalog and
 * the real guard of pushes, for 24 days in an order that follows from the seed. Requests to
 * the bucket act late or get no answer, the object is reset, its data are lost, and
 * confirmations do not arrive.
 *
 * It takes for granted that a request which was given up acts within the hold or never. What
 * a lost catalog had removed, nobody remembers, so no violation counts for that.
 */
export async function runRetentionWorld(
  options: RetentionWorldOptions,
): Promise<RetentionWorldEnd> {
  const { sql, seed, fault, isCalm = false, leases = true } = options;
  const dice = createDice(seed, options.trace);
  const { time, between, chance, say } = dice;
  const rules = { ...SHORT_RULES, ...options.rules };
  const pinned = seed % 2 === 0 ? PINNED : undefined;
  const bucket = createWorldBucket(dice, { isCalm, pinned });
  const { log } = createTestLog();
  const counts = { losses: 0, restarts: 0, refused: 0, narAbsent: 0 };
  const wakers = new Set<() => void>();
  bucket.onDeletion = () => {
    for (const wake of wakers) wake();
  };

  function openObject(): ObjectInstance {
    const { promise: death, reject } = Promise.withResolvers<never>();
    death.catch(() => {});
    const instance: ObjectInstance = {
      isAlive: true,
      death,
      die() {
        instance.isAlive = false;
        reject(new Error("the object was reset"));
      },
      core: createCatalogCore(
        {
          sql,
          bucket: bucket.open(() => instance.isAlive, fault === "repeated-deletes"),
          storeDir: "/nix/store",
          log,
          now: time.now,
        },
        STEP_LIMITS,
        {
          policy: POLICY,
          rules,
          deployment: "first",
          async readPins() {
            await time.sleep(between(5, 100));
            if (!isCalm && chance(0.02)) throw new CacheError("bucket-unavailable", "a pin");
            return pinned === undefined ? [] : [pinned.hash];
          },
        },
      ),
    };
    return instance;
  }

  let object = openObject();

  function reset(isLost: boolean): void {
    say(isLost ? "the catalog is LOST" : "the object is reset");
    object.die();
    counts.restarts++;
    if (isLost) {
      counts.losses++;
      bucket.lostAt = time.now();
      options.reset();
    }
    object = openObject();
  }

  /** A call of the object across the network. */
  async function call<T>(work: (core: CatalogCore) => Promise<T>): Promise<T> {
    await time.sleep(between(1, 50));
    const answer = await Promise.race([work(object.core), object.death]);
    await time.sleep(between(1, 50));
    return answer;
  }

  const catalog: Pick<CatalogPort, "intend" | "lease" | "note"> = {
    async intend(intentions) {
      const answer = await call((core) => core.intend(intentions));
      if (answer.status !== "answered") return answer;
      const verdicts = answer.verdicts.map((verdict) => {
        if (verdict.kind === "collected") counts.refused++;
        const isBroken =
          (verdict.kind === "collected" && fault === "collected-not-refused") ||
          (verdict.kind === "busy" && fault === "busy-not-refused");
        return isBroken ? ({ kind: "ok" } as const) : verdict;
      });
      return { ...answer, verdicts };
    },
    lease: async (wanted) => await call((core) => core.lease(wanted)),
    note: async (publications) => await call((core) => core.note(publications)),
  };

  /** Calls the alarm of the object. */
  async function live(): Promise<never> {
    for (;;) {
      const { core, death } = object;
      await time.sleep(Math.min(Math.max(core.nextStepAt() - time.now(), 100), HOUR));
      if (object.core !== core || core.nextStepAt() > time.now()) continue;
      await Promise.race([core.step(), death]).catch(() => {});
      if (fault === "no-hold") {
        sql.all("UPDATE path SET held_until = 0 WHERE held_until IS NOT NULL");
        sql.all("UPDATE loose_nar SET deleting_until = 0 WHERE deleting_until IS NOT NULL");
      }
    }
  }

  async function operate(): Promise<never> {
    for (;;) {
      await time.sleep(between(2 * HOUR, 10 * HOUR));
      await call((core) => core.collect({ kind: "run", by: "operator" })).catch(() => {});
    }
  }

  async function disturb(): Promise<never> {
    wakers.add(() => {
      if (!chance(0.3)) return;
      void time.sleep(between(0, 15 * SECOND)).then(() => reset(chance(0.1)));
    });
    for (;;) {
      await time.sleep(between(6 * HOUR, 4 * DAY));
      reset(chance(0.15));
    }
  }

  const edge = new Map();
  const intentMilliseconds = fault === "stale-intents" ? HOUR : rules.intentMilliseconds;
  void live();
  for (let count = 0; count < 3; count++) {
    const losesNotes = !isCalm;
    const pusher = createWorldPusher(dice, {
      catalog,
      bucket,
      intentMilliseconds,
      leases,
      losesNotes,
      edge,
    });
    void keepPushing(dice, pusher, wakers, (code) => {
      if (code === "nar-absent") counts.narAbsent++;
    });
  }
  void operate();
  if (!isCalm) void disturb();
  await time.run(time.now() + DURATION);
  object.die();
  return { violations: bucket.violations, ...bucket.counts, ...counts };
}
