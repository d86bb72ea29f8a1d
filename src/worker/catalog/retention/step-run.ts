import type { StepLimits } from "../catalog-context.ts";
import { readMeta, writeMeta } from "../meta.ts";
import { firstRow, type Sql } from "../sql.ts";
import { condemnPage, type Found, nothingFound, revisitPage } from "./condemn.ts";
import { endTombstones } from "./end-tombstones.ts";
import type { RetentionJudge } from "./keeping-rules.ts";
import { findObstacles } from "./may-remove.ts";
import type { RetentionContext } from "./retention-context.ts";
import type { RetentionStatus, RunReport } from "./retention-port.ts";
import { chooseCutoff, raiseCutoff, weighPage } from "./size-budget.ts";
import { resolveHeldNars, sweepNars } from "./sweep-nars.ts";
import { resolveHeldPaths, SWEEP_START, type SweepCursor, sweepPaths } from "./sweep-paths.ts";
import { nextResolveAt, resolveIntents } from "./resolve-intents.ts";
import { detailOf } from "../../log.ts";

type Phase = "pins" | "weights" | "paths" | "referrers" | "narinfos" | "nars" | "tombstones";

/** A run. It is kept in the database after each step, so it goes on after any restart. */
interface Run extends Omit<RunReport, "phase" | "kept" | "condemned" | "condemnedBytes"> {
  readonly phase: Phase;
  readonly found: Found;
  readonly before: number;
  readonly sweep: SweepCursor;
  readonly narAfter: string;
  readonly tombstoneAfter: number;
  /** The bytes of all paths, if there is a size budget. */
  readonly bytes: number;
}

/** No row has a larger id. */
const START = Number.MAX_SAFE_INTEGER;

/** A step ends after it has read this number of rows. No clock can bound its CPU. */
const ROWS_IN_STEP = 6_000;

/** Begins a run, unless one goes on. A plan that goes on becomes a run. */
export function beginRun(
  { sql, now }: Pick<RetentionContext, "sql" | "now">,
  kind: RunReport["kind"],
  by: string,
): void {
  const running = readRun(sql, "run");
  if (running !== undefined) {
    if (kind === "run" && running.kind === "plan") keep({ sql }, { ...running, kind });
    return;
  }
  sql.all("DELETE FROM revisit");
  keep(
    { sql },
    {
      kind,
      by,
      startedAt: now(),
      endedAt: undefined,
      phase: "pins",
      found: nothingFound(),
      removedPaths: 0,
      removedNars: 0,
      removedBytes: 0,
      budgetCutoff: undefined,
      before: START,
      sweep: SWEEP_START,
      narAfter: "",
      tombstoneAfter: 0,
      bytes: 0,
    },
  );
}

/** Begins a run after each listing, if something may be removed. */
export function beginDueRun(context: RetentionContext): void {
  const { sql, policy } = context;
  const listedFrom = readMeta(sql, "listedFrom");
  if (!policy.isCollecting || listedFrom === readMeta(sql, "ranFor")) return;
  if (listedFrom === undefined || findObstacles(context).length > 0) return;
  writeMeta(sql, "ranFor", listedFrom);
  beginRun(context, "run", "schedule");
}

export const isRunning = ({ sql }: Pick<RetentionContext, "sql">): boolean =>
  readRun(sql, "run") !== undefined;

/**
 * Does the next part of the run, if one goes on. May be cut off anywhere. Throws the
 * failures of the bucket, and of a pin that cannot be read.
 */
export async function stepRun(context: RetentionContext, limits: StepLimits): Promise<void> {
  const run = readRun(context.sql, "run");
  if (run === undefined) return;
  switch (run.phase) {
    case "pins":
      return await stepPins(context, run);
    case "weights":
      return stepWeights(context, run);
    case "paths":
    case "referrers":
      return stepJudging(context, run);
    case "narinfos": {
      const { removed, cursor } = await sweepPaths(context, run.sweep, limits);
      const removedPaths = run.removedPaths + removed;
      if (cursor === undefined) return keep(context, { ...run, removedPaths, phase: "nars" });
      return keep(context, { ...run, removedPaths, sweep: cursor });
    }
    case "nars": {
      const { removed, bytes, after } = await sweepNars(context, run.narAfter, limits);
      const next = {
        ...run,
        removedNars: run.removedNars + removed,
        removedBytes: run.removedBytes + bytes,
      };
      if (after === undefined) return keep(context, { ...next, phase: "tombstones" });
      return keep(context, { ...next, narAfter: after });
    }
    case "tombstones": {
      const { sql } = context;
      return sql.transaction(() => {
        const after = endTombstones(context, run.tombstoneAfter);
        if (after === undefined) return end(context, run);
        return keep(context, { ...run, tombstoneAfter: after });
      });
    }
  }
}

async function stepPins(context: RetentionContext, run: Run): Promise<void> {
  const { sql } = context;
  const pins = await readPins(context);
  sql.transaction(() => {
    writeMeta(sql, "pinProblem", "");
    sql.all("DELETE FROM kept");
    sql.all(
      "INSERT INTO kept SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
      JSON.stringify(pins),
    );
    sql.all("DELETE FROM weight");
    const isBudgeted = context.policy.budgetBytes !== undefined;
    keep(context, { ...run, phase: isBudgeted ? "weights" : "paths" });
  });
}

async function readPins(context: RetentionContext): Promise<readonly string[]> {
  try {
    return await context.readPins();
  } catch (error) {
    const detail = detailOf(error);
    writeMeta(context.sql, "pinProblem", detail);
    throw error;
  }
}

function stepWeights(context: RetentionContext, run: Run): void {
  const { sql, now, policy } = context;
  const judge = createJudge(context);
  const first = sql.rows.read;
  let { before } = run;
  while (sql.rows.read - first < ROWS_IN_STEP) {
    const last = sql.transaction(() => {
      const id = weighPage(judge, before);
      if (id !== undefined) keep(context, { ...run, before: id });
      else {
        const { cutoff, bytes } = chooseCutoff(sql, policy.budgetBytes ?? Infinity, now());
        keep(context, { ...run, phase: "paths", before: START, budgetCutoff: cutoff, bytes });
      }
      return id;
    });
    if (last === undefined) return;
    before = last;
  }
}

/** Returns the run with a later cutoff, if what stays is larger than the budget. */
function overBudget({ sql, now, policy }: RetentionContext, run: Run): Run | undefined {
  const { budgetBytes } = policy;
  const { budgetCutoff, bytes, found } = run;
  if (budgetBytes === undefined || budgetCutoff === undefined) return undefined;
  const excess = bytes - found.condemnedBytes - budgetBytes;
  const cutoff = excess <= 0 ? undefined : raiseCutoff(sql, budgetCutoff, excess, now());
  if (cutoff === undefined) return undefined;
  return { ...run, phase: "paths", before: START, found: nothingFound(), budgetCutoff: cutoff };
}

function stepJudging(context: RetentionContext, begun: Run): void {
  const { sql } = context;
  const judge = createJudge(context);
  const first = sql.rows.read;
  let run = begun;
  while (sql.rows.read - first < ROWS_IN_STEP) {
    const phase = sql.transaction(() => {
      const found = structuredClone(run.found);
      if (run.phase === "paths") {
        const last = condemnPage(judge, run.before, found);
        run = {
          ...run,
          found,
          ...(last === undefined ? { phase: "referrers" } : { before: last }),
        };
      } else {
        const isMore = revisitPage(judge, found);
        run = { ...run, found, ...(isMore || hasRevisits(context) ? {} : { phase: "narinfos" }) };
      }
      if (run.phase === "narinfos") run = overBudget(context, run) ?? run;
      if (run.phase === "narinfos" && run.kind === "plan") end(context, run);
      else keep(context, run);
      return run.phase;
    });
    if (phase === "narinfos") return;
    // With a later cutoff the rules are others: the next step reads them.
    if (run.budgetCutoff !== begun.budgetCutoff) return;
  }
}

const hasRevisits = ({ sql }: Pick<RetentionContext, "sql">): boolean =>
  firstRow(sql, "SELECT 1 FROM revisit LIMIT 1") !== undefined;

/** Returns the rules as they are now. */
export function createJudge({ sql, now, policy, rules }: RetentionContext): RetentionJudge {
  const run = readRun(sql, "run") ?? readRun(sql, "lastRun");
  return {
    sql,
    now: now(),
    policy,
    rules,
    usedFloor: readMeta(sql, "usedFloor") ?? 0,
    cutoff: policy.budgetBytes === undefined ? 0 : (run?.budgetCutoff ?? 0),
  };
}

/** Resolves what has waited for long enough. Returns the requests that it made. */
export async function resolveWaiting(context: RetentionContext, limit: number): Promise<number> {
  let used = await resolveHeldPaths(context, limit);
  if (used < limit) used += await resolveHeldNars(context, limit - used);
  if (used < limit) used += await resolveIntents(context, limit - used);
  return used;
}

/** Returns when something has waited for long enough, in milliseconds since 1970. */
export function nextWaitingAt(context: Pick<RetentionContext, "sql" | "rules">): number {
  const { sql } = context;
  const held = firstRow<{ path: number | null; nar: number | null }>(
    sql,
    `SELECT (SELECT min(held_until) FROM path WHERE state = 3) AS path,
       (SELECT min(deleting_until) FROM loose_nar WHERE deleting_until IS NOT NULL) AS nar`,
  );
  return Math.min(held?.path ?? Infinity, held?.nar ?? Infinity, nextResolveAt(context));
}

export function readRetention(context: RetentionContext): RetentionStatus {
  const { sql, policy } = context;
  return {
    isCollecting: policy.isCollecting,
    running: toReport(readRun(sql, "run")),
    last: toReport(readRun(sql, "lastRun")),
    obstacles: findObstacles(context),
  };
}

function toReport(run: Run | undefined): RunReport | undefined {
  if (run === undefined) return undefined;
  const {
    found,
    before: _,
    sweep: __,
    narAfter: ___,
    tombstoneAfter: ____,
    bytes: _____,
    ...rest
  } = run;
  return { ...rest, ...found };
}

function readRun(sql: Sql, key: "run" | "lastRun"): Run | undefined {
  const text = readMeta(sql, key) ?? "";
  return text === "" ? undefined : (JSON.parse(text) as Run);
}

function keep({ sql }: Pick<RetentionContext, "sql">, run: Run): void {
  writeMeta(sql, "run", JSON.stringify(run));
}

function end({ sql, now }: Pick<RetentionContext, "sql" | "now">, run: Run): void {
  writeMeta(sql, "lastRun", JSON.stringify({ ...run, endedAt: now() }));
  writeMeta(sql, "run", "");
}
