import type { StorePathHash } from "../../nix/store-path.ts";
import type { FailureCode } from "../../api/failures/failures.ts";
import { CacheError } from "../cache-error.ts";
import { type CatalogPort, type CatalogStatus, isOverLimit, type Publications } from "./catalog.ts";
import type { CatalogContext, StepLimits } from "./catalog-context.ts";
import { beginListing, type ListingState, readListingState, stepListing } from "./fill-step.ts";
import { forgetPaths } from "./forget-paths.ts";
import { readMeta, writeMeta } from "./meta.ts";
import { readPathFacts } from "./path-facts.ts";
import { answerQueries } from "./queries/answer-queries.ts";
import { recordPaths } from "./record-paths.ts";
import { firstRow } from "./sql.ts";

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

export function createCatalogCore(context: CatalogContext, limits: StepLimits): CatalogCore {
  const { sql, now, log, storeDir } = context;

  function isListingDue(): boolean {
    const listedFrom = readMeta(sql, "listedFrom");
    return listedFrom === undefined || now() >= listedFrom + RELIST_MILLISECONDS;
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
            version: undefined,
            publishedAt: at,
            notedAt: at,
            pushId,
            buildSeconds,
          })),
        );
      });
    },

    async noteDeleted(hashes: readonly StorePathHash[]) {
      forgetPaths(sql, hashes);
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
        if (isListingDue()) beginListing(context);
        const mayGiveUp = (readMeta(sql, "failures") ?? 0) >= PATIENCE;
        const isDone = await stepListing({ ...context, mayGiveUp }, limits);
        if ((readMeta(sql, "failures") ?? 0) > 0) {
          writeMeta(sql, "failures", 0);
          writeMeta(sql, "failure", "");
        }
        const listedFrom = readMeta(sql, "listedFrom") ?? now();
        writeMeta(sql, "nextStepAt", isDone ? listedFrom + RELIST_MILLISECONDS : now());
      } catch (error) {
        const code = codeOf(error);
        const failures = (readMeta(sql, "failures") ?? 0) + 1;
        const detail = error instanceof Error ? error.message : String(error);
        log("warn", "catalog-step-failed", { fault: code, failures, detail });
        writeMeta(sql, "failures", failures);
        writeMeta(sql, "failure", code);
        const pause = Math.min(
          FIRST_PAUSE_MILLISECONDS * 2 ** failures,
          LONGEST_PAUSE_MILLISECONDS,
        );
        writeMeta(sql, "nextStepAt", now() + pause);
      }
    },

    nextStepAt: () => readMeta(sql, "nextStepAt") ?? now(),
  };
}

function codeOf(error: unknown): FailureCode {
  if (error instanceof CacheError) return error.code;
  return isOverLimit(error) ? "catalog-over-limit" : "internal";
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
