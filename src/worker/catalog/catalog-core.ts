import { createHash } from "node:crypto";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { FailureCode } from "../../api/failures/failures.ts";
import { KEEP_EVERYTHING } from "../../settings/retention-settings.ts";
import { CacheError } from "../cache-error.ts";
import { type CatalogPort, type CatalogStatus, isOverLimit, type Publications } from "./catalog.ts";
import type { CatalogContext, StepLimits } from "./catalog-context.ts";
import { beginListing, type ListingState, readListingState, stepListing } from "./fill-step.ts";
import { forgetPaths } from "./forget-paths.ts";
import { readMeta, writeMeta } from "./meta.ts";
import { readPathFacts } from "./path-facts.ts";
import { answerQueries } from "./queries/answer-queries.ts";
import { recordPaths } from "./record-paths.ts";
import {
  beginDueRun,
  beginRun,
  createJudge,
  isRunning,
  nextWaitingAt,
  readRetention,
  resolveWaiting,
  stepRun,
} from "./retention/step-run.ts";
import { beginDeletion, endDeletion } from "./retention/delete-by-hand.ts";
import { intend } from "./retention/intend.ts";
import { lease, notePathsUsed } from "./retention/lease.ts";
import { noteDeployment, trustedFrom } from "./retention/may-remove.ts";
import { readPlan } from "./retention/read-plan.ts";
import type { RetentionContext } from "./retention/retention-context.ts";
import { RETENTION_RULES } from "./retention/retention-rules.ts";
import { whyKept } from "./retention/why-kept.ts";
import { firstRow } from "./sql.ts";
import { detailOf } from "../log.ts";

/** The catalog inside its object. The object calls `step` whenever its alarm fires. */
export interface CatalogCore extends CatalogPort {
  /** Does a part of the work that is due. Never throws: a failure is kept, and tried again later. */
  step(): Promise<void>;
  /** Returns when `step` is to be called next, in milliseconds since 1970. */
  nextStepAt(): number;
}

const DAY = 24 * 3600 * 1000;
/** The time between two listings, which find what was written past the gateway. */
const RELIST_MILLISECONDS = DAY;
const FIRST_PAUSE_MILLISECONDS = 10_000;
const LONGEST_PAUSE_MILLISECONDS = 3600 * 1000;
/** After this number of failures in a row, a narinfo that cannot be read is passed over. */
const PATIENCE = 6;

/** How this cache keeps and removes paths. */
export interface RetentionOptions extends Pick<RetentionContext, "policy" | "rules" | "readPins"> {
  /** Names this deployment of the worker. */
  readonly deployment: string;
}

export const NO_RETENTION: RetentionOptions = {
  policy: KEEP_EVERYTHING,
  rules: RETENTION_RULES,
  readPins: async () => [],
  deployment: "",
};

export function createCatalogCore(
  given: CatalogContext,
  limits: StepLimits,
  { deployment, ...retention }: RetentionOptions = NO_RETENTION,
): CatalogCore {
  const context: RetentionContext = { ...given, ...retention };
  const { sql, now, log, storeDir, policy, rules } = context;
  noteDeployment(context, deployment);
  /** Set where the database does not even take a failure. */
  let pausedUntil = 0;

  /** When the bucket is listed next. Sooner after pushes that announced nothing. */
  function nextListingAt(): number {
    const listedFrom = readMeta(sql, "listedFrom");
    if (listedFrom === undefined) return now();
    // The clock was wrong then: it has jumped back since.
    if (listedFrom > now() + RELIST_MILLISECONDS) return now();
    const trusted = trustedFrom(context);
    return listedFrom < trusted ? trusted : listedFrom + RELIST_MILLISECONDS;
  }

  const goneUntil = () => (policy.isCollecting ? now() + rules.tombstoneMilliseconds : 0);

  function requireCollecting(): void {
    if (!policy.isCollecting) throw new Error("COLLECT is off");
  }

  /** Does what is due. Returns when the next step is due. */
  async function work(): Promise<number> {
    const used = await resolveWaiting(context, Math.floor(limits.requests / 3));
    const left = { ...limits, requests: limits.requests - used };
    if (now() >= nextListingAt()) beginListing(context);
    const listing = {
      ...context,
      mayGiveUp: (readMeta(sql, "failures") ?? 0) >= PATIENCE,
      goneUntil: goneUntil(),
      isStrict: policy.isCollecting,
      foundForeign: () => {
        // No push announced it, so something else wrote it, or this catalog is older than the bucket.
        const listedFrom = readMeta(sql, "listedFrom") ?? 0;
        const isSurprise = policy.isCollecting && listedFrom >= trustedFrom(context);
        if (isSurprise && readMeta(sql, "completeAt") !== undefined) {
          writeMeta(sql, "usedFloor", now());
        }
      },
    };
    const wasListing = readListingState(context) !== undefined;
    if (!(await stepListing(listing, left))) return now();
    beginDueRun(context);
    // What a listing has left of the requests is not counted.
    if (!wasListing) await stepRun(context, left);
    if (isRunning(context)) return now();
    return Math.max(now(), Math.min(nextListingAt(), nextWaitingAt(context)));
  }

  return {
    ...answerQueries(context, () => readStatus(context)),

    async note({ by, claims, narinfos }) {
      const at = now();
      sql.transaction(() => {
        const pushId = recordPush({ by, claims, at }, context);
        recordPaths(
          sql,
          narinfos.map(({ hash, text, buildSeconds }) => ({
            hash,
            facts: readPathFacts(text, hash, storeDir),
            textSizeBytes: new TextEncoder().encode(text).byteLength,
            version: policy.isCollecting ? tagOf(text) : undefined,
            publishedAt: at,
            notedAt: at,
            pushId,
            buildSeconds,
          })),
        );
      });
    },

    async noteDeleted(hashes: readonly StorePathHash[]) {
      forgetPaths(sql, hashes, { goneUntil: goneUntil() });
    },

    async beginDeletion(hash) {
      requireCollecting();
      return beginDeletion(context, hash);
    },

    async endDeletion(hash, heldUntil) {
      requireCollecting();
      endDeletion(context, hash, heldUntil);
    },

    async intend(intentions) {
      requireCollecting();
      return await intend(context, intentions);
    },

    async lease(leases) {
      requireCollecting();
      return lease(context, leases);
    },

    async noteUsed(hashes) {
      sql.transaction(() => notePathsUsed(context, hashes));
    },

    async collect({ kind, by }) {
      beginRun(context, kind, by);
      writeMeta(sql, "nextStepAt", now());
      return readRetention(context);
    },

    async readRetention() {
      return readRetention(context);
    },

    async readPlan(page) {
      return readPlan(createJudge(context), page);
    },

    async why(hash) {
      return whyKept(createJudge(context), hash);
    },

    async readStatus() {
      return readStatus(context);
    },

    async relist() {
      beginListing(context);
      writeMeta(sql, "nextStepAt", now());
    },

    async step() {
      try {
        const next = await work();
        if ((readMeta(sql, "failures") ?? 0) > 0) {
          writeMeta(sql, "failures", 0);
          writeMeta(sql, "failure", "");
        }
        writeMeta(sql, "nextStepAt", next);
      } catch (error) {
        const code = codeOf(error);
        const failures = (readMeta(sql, "failures") ?? 0) + 1;
        const detail = detailOf(error);
        log("warn", "catalog-step-failed", { fault: code, failures, detail });
        const pause = Math.min(
          FIRST_PAUSE_MILLISECONDS * 2 ** failures,
          LONGEST_PAUSE_MILLISECONDS,
        );
        try {
          writeMeta(sql, "failures", failures);
          writeMeta(sql, "failure", code);
          writeMeta(sql, "nextStepAt", now() + pause);
        } catch {
          // The rows or the space of the plan are used up: that is the failure in the log.
          pausedUntil = now() + LONGEST_PAUSE_MILLISECONDS;
        }
      }
    },

    nextStepAt: () => {
      const next = Math.max(readMeta(sql, "nextStepAt") ?? now(), pausedUntil);
      // A later time was written by a clock that has jumped back since.
      return next > now() + RELIST_MILLISECONDS ? now() : next;
    },
  };
}

function codeOf(error: unknown): FailureCode {
  if (error instanceof CacheError) return error.code;
  return isOverLimit(error) ? "catalog-over-limit" : "internal";
}

/** Returns the entity tag that B2 gives to a text. Another bucket may give another one. */
function tagOf(text: string): string {
  return `"${createHash("md5").update(text).digest("hex")}"`;
}

function recordPush(
  { by, claims, at }: Pick<Publications, "by" | "claims"> & { readonly at: number },
  { sql }: CatalogContext,
): number {
  const row = firstRow<{ id: number }>(
    sql,
    "INSERT INTO push (by, claims, at) VALUES (?, ?, ?) RETURNING id",
    by,
    claims === undefined ? null : JSON.stringify(claims),
    at,
  );
  return (row as { id: number }).id;
}

function readStatus(context: CatalogContext): CatalogStatus {
  const { sql } = context;
  const listing = readListingState(context);
  const unreadable = firstRow<{ count: number }>(
    sql,
    "SELECT count(*) AS count FROM path WHERE problem IS NOT NULL",
  );
  return {
    completeAt: readMeta(sql, "completeAt"),
    listedFrom: readMeta(sql, "listedFrom"),
    listing: listing && { phase: listing.phase, done: shareOf(listing) },
    failure: readMeta(sql, "failure") || undefined,
    paths: readMeta(sql, "paths") ?? 0,
    narBytes: readMeta(sql, "narBytes") ?? 0,
    storedNars: readMeta(sql, "storedNars"),
    storedBytes: readMeta(sql, "storedBytes"),
    unreadable: unreadable?.count ?? 0,
    databaseBytes: sql.sizeBytes,
  };
}

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";

/** Hashes are random, so the first two digits of the last one tell how far a listing is. */
function shareOf({ phase, after }: ListingState): number {
  const text = phase === "nars" ? after.slice("nar/".length) : after;
  const [first = 0, second = 0] = Array.from(text.slice(0, 2), (digit) => DIGITS.indexOf(digit));
  return Math.max(0, (first * 32 + second) / 1024);
}
