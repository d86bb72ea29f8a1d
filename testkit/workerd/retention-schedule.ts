import { parseNarinfo, type Narinfo } from "../../src/nix/narinfo.ts";
import type { StorePathHash } from "../../src/nix/store-path.ts";
import type { RetentionSettings } from "../../src/settings/retention-settings.ts";
import type { CatalogContext } from "../../src/worker/catalog/catalog-context.ts";
import {
  type CatalogCore,
  createCatalogCore,
  type RetentionOptions,
} from "../../src/worker/catalog/catalog-core.ts";
import {
  RETENTION_RULES,
  type RetentionRules,
} from "../../src/worker/catalog/retention/retention-rules.ts";
import type { IntentVerdict } from "../../src/worker/catalog/catalog.ts";
import { ensureSchema } from "../../src/worker/catalog/schema.ts";
import { STEP_LIMITS } from "../../src/worker/catalog/catalog-context.ts";
import { createTestCatalog } from "./catalog.ts";
import { createMemoryBucket, type MemoryBucket } from "./memory-bucket.ts";

export const MINUTE = 60 * 1000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Every path is too old after a day without a push. */
export const ONE_DAY: RetentionSettings = {
  isCollecting: true,
  ageMilliseconds: DAY,
  since: "push",
  newest: 0,
  budgetBytes: undefined,
};

/** A made-up path that is told by one digit. Its NAR has the same digit. */
export interface SchedulePath {
  readonly hash: StorePathHash;
  readonly nar: string;
  readonly text: string;
  readonly narinfo: Narinfo;
}

export function schedulePath(
  digit: string,
  references: readonly SchedulePath[] = [],
  { narDigit = digit, name = "thing" } = {},
): SchedulePath {
  const hash = digit.repeat(32) as StorePathHash;
  const file = `0${narDigit.repeat(51)}`;
  const nar = `nar/${file}.nar`;
  const text = [
    `StorePath: /nix/store/${hash}-${name}`,
    `URL: ${nar}`,
    "Compression: none",
    `FileHash: sha256:${file}`,
    "FileSize: 1",
    `NarHash: sha256:${file}`,
    "NarSize: 1",
    `References: ${references.map((one) => `${one.hash}-${one.narinfo.storePath.name}`).join(" ")}`,
    "",
  ].join("\n");
  const narinfo = parseNarinfo(text, "/nix/store");
  if (!narinfo.ok) throw new Error(narinfo.error);
  return { hash, nar, text, narinfo: narinfo.value };
}

/** A catalog that collects, and a bucket whose answers a test can take away. */
export interface RetentionSchedule {
  readonly bucket: MemoryBucket;
  now: number;
  core: CatalogCore;
  readonly context: CatalogContext;
  /** Changes what the bucket does with a request; see `MemoryBucketHooks`. */
  hooks: { before?: (call: string) => void | Promise<void>; after?: (call: string) => void };
  /** Opens the catalog again, as after a restart of its object. */
  reopen(change?: Partial<RetentionOptions>): void;
  /** Loses the catalog. */
  lose(): void;
  /** Runs what is due now. */
  settle(): Promise<void>;
  /** Lets this time pass, and runs what is due on the way. */
  pass(milliseconds: number): Promise<void>;
  /** Stores the NAR, announces the narinfo, stores it and tells of it. Returns the verdict. */
  publish(path: SchedulePath, upstream?: readonly SchedulePath[]): Promise<IntentVerdict["kind"]>;
  announce(
    path: SchedulePath,
    upstream?: readonly SchedulePath[],
  ): Promise<IntentVerdict["kind"] | "starting">;
  putNar(path: SchedulePath): void;
  putNarinfo(path: SchedulePath): void;
  note(path: SchedulePath): Promise<void>;
  has(path: SchedulePath): boolean;
  hasNar(path: SchedulePath): boolean;
  /** Lets a deletion act only when `act` is called; its sender gets no answer. */
  loseAnswerOf(path: string): { readonly isSent: () => boolean; act(): void };
  /** Published narinfos whose NAR or reference is gone. */
  losses(): readonly string[];
}

export interface ScheduleOptions {
  readonly policy?: Partial<RetentionSettings>;
  readonly rules?: Partial<RetentionRules>;
  readonly readPins?: () => Promise<readonly StorePathHash[]>;
}

/** Runs a schedule inside a real object, with its database. */
export async function runSchedule<T>(
  { policy = {}, rules = {}, readPins = async () => [] }: ScheduleOptions,
  work: (schedule: RetentionSchedule) => Promise<T>,
): Promise<T> {
  const calls = { hooks: {} as RetentionSchedule["hooks"] };
  const swallowed = new Map<string, { isSent: boolean; act: () => void }>();
  const bucket = createMemoryBucket({
    before: async (call) => await calls.hooks.before?.(call),
    after: (call) => calls.hooks.after?.(call),
  });
  const real = bucket.delete;
  bucket.delete = async (path, options) => {
    const one = swallowed.get(path);
    if (one === undefined || one.isSent) return await real(path, options);
    one.isSent = true;
    one.act = () => void bucket.objects.delete(path);
    throw new Error("no answer");
  };
  return await createTestCatalog({ bucket }).run(async (_, given) => {
    const context = { ...given, now: () => schedule.now };
    const options = {
      policy: { ...ONE_DAY, ...policy },
      rules: { ...RETENTION_RULES, ...rules },
      readPins,
      deployment: "",
    };
    let pushed: SchedulePath[] = [];
    const open = (change: Partial<RetentionOptions> = {}) =>
      createCatalogCore(context, STEP_LIMITS, { ...options, ...change });
    const schedule: RetentionSchedule = {
      bucket,
      now: given.now(),
      context,
      core: undefined as never,
      get hooks() {
        return calls.hooks;
      },
      set hooks(hooks) {
        calls.hooks = hooks;
      },
      reopen(change) {
        schedule.core = open(change);
      },
      lose() {
        context.sql.all("DELETE FROM path");
        context.sql.all("DELETE FROM meta");
        ensureSchema(context.sql);
        schedule.core = open();
      },
      async settle() {
        for (let steps = 0; schedule.core.nextStepAt() <= schedule.now; steps++) {
          if (steps === 1000) throw new Error("the catalog does not settle");
          await schedule.core.step();
        }
      },
      async pass(milliseconds) {
        const until = schedule.now + milliseconds;
        for (;;) {
          await schedule.settle();
          const next = schedule.core.nextStepAt();
          if (next > until) break;
          schedule.now = next;
        }
        schedule.now = until;
      },
      async announce({ narinfo, nar, hash }, upstream = []) {
        const answer = await schedule.core.intend({
          narinfos: [
            {
              path: `${hash}-${narinfo.storePath.name}`,
              nar,
              references: narinfo.references.map((one) => `${one.hash}-${one.name}`),
            },
          ],
          upstream: upstream.map((one) => one.hash),
        });
        return answer.status === "starting"
          ? "starting"
          : (answer.verdicts[0] as IntentVerdict).kind;
      },
      putNar({ nar }) {
        bucket.objects.set(nar, { bytes: new Uint8Array(1), contentType: "" });
      },
      putNarinfo(path) {
        bucket.setText(`${path.hash}.narinfo`, path.text);
        pushed = [...pushed.filter(({ hash }) => hash !== path.hash), path];
      },
      async note({ hash, text }) {
        await schedule.core.note({ by: "ci", narinfos: [{ hash, text }] });
      },
      async publish(path, upstream = []) {
        const verdict = await schedule.announce(path, upstream);
        if (verdict !== "ok") return verdict as IntentVerdict["kind"];
        schedule.putNar(path);
        schedule.putNarinfo(path);
        await schedule.note(path);
        return "ok";
      },
      has: ({ hash }) => bucket.objects.has(`${hash}.narinfo`),
      hasNar: ({ nar }) => bucket.objects.has(nar),
      loseAnswerOf(path) {
        const one = { isSent: false, act: () => {} };
        swallowed.set(path, one);
        return { isSent: () => one.isSent, act: () => one.act() };
      },
      losses() {
        return pushed
          .filter(({ hash }) => bucket.objects.has(`${hash}.narinfo`))
          .flatMap((path) => [
            ...(bucket.objects.has(path.nar) ? [] : [`${path.hash[0]} lacks its NAR`]),
            ...path.narinfo.references
              .filter(({ hash }) => !bucket.objects.has(`${hash}.narinfo`))
              .map(({ hash }) => `${path.hash[0]} lacks ${hash[0]}`),
          ]);
      },
    };
    schedule.core = open();
    // The first eleven minutes are over, and a listing has begun after the settling time.
    await schedule.pass(DAY);
    return await work(schedule);
  });
}

export const glibc = schedulePath("g", [], { name: "glibc-2.42" });
export const hello = schedulePath("h", [glibc], { name: "hello-2.12" });
export const world = schedulePath("w", [glibc], { name: "world-1.0" });

/** Lets glibc be condemned for three days: the next sweep takes it. */
export async function condemnGlibc(schedule: RetentionSchedule): Promise<void> {
  await schedule.publish(glibc);
  await schedule.pass(DAY + HOUR);
  await schedule.pass(3 * DAY - HOUR);
  if (!schedule.has(glibc)) throw new Error("glibc went too early");
}

/** The same, and takes the answer of the deletion. */
export async function deleteGlibcWithoutAnswer(
  schedule: RetentionSchedule,
): Promise<{ act(): void }> {
  const deletion = schedule.loseAnswerOf(`${glibc.hash}.narinfo`);
  await condemnGlibc(schedule);
  while (!deletion.isSent()) await schedule.pass(10 * MINUTE);
  return deletion;
}
