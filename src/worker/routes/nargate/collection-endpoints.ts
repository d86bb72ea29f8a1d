import {
  collectSchema,
  type CollectionState,
  MAX_PLANNED_PATHS,
  type PlannedPathsAnswer,
  type WhyPathAnswer,
} from "../../../api/collection.ts";
import { parseStorePathHash, type StorePathHash } from "../../../nix/store-path.ts";
import { CacheError } from "../../cache-error.ts";
import type { RetentionStatus, RunReport } from "../../catalog/catalog.ts";
import { RETENTION_RULES } from "../../catalog/retention/retention-rules.ts";
import { admitWriter } from "../admit.ts";
import { askCatalog } from "../ask-catalog.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson, malformed, readRequest } from "./api-request.ts";

/**
 * POST `/api/v1/gc`: begins to find out what is not kept. With COLLECT=on a "run" then
 * removes it, as the run after each listing does. Answers at once; the state says how far it is.
 */
export async function startCollection(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId } = exchange;
  const { by } = await admitWriter(exchange, "admin");
  const { kind } = await readRequest(request, collectSchema);
  if (kind === "run" && !exchange.cache.catalog.retention.isCollecting) {
    throw new CacheError("collection-off", "COLLECT is off");
  }
  const status = await askCatalog(exchange, async (catalog) => await catalog.collect({ kind, by }));
  gateway.log("warn", "collection-started", { requestId, kind, by });
  return answerJson(toState(status));
}

/** GET `/api/v1/gc/state`: what the last run has found and removed, and what stands in the way. */
export async function readCollectionState(exchange: Exchange): Promise<Response> {
  await admitWriter(exchange, "admin");
  return answerJson(
    toState(await askCatalog(exchange, async (catalog) => await catalog.readRetention())),
  );
}

/** GET `/api/v1/gc/paths`: a page of the paths that go, or that stay. */
export async function readPlannedPaths(exchange: Exchange): Promise<Response> {
  await admitWriter(exchange, "admin");
  const { searchParams } = new URL(exchange.request.url);
  const show = searchParams.get("show") ?? "going";
  if (show !== "going" && show !== "staying") throw malformed("show is not going or staying");
  const from = searchParams.get("after") ?? undefined;
  const after = from === undefined ? undefined : requireHash(from, "after");
  const limit = MAX_PLANNED_PATHS;
  const page = await askCatalog(
    exchange,
    async (catalog) => await catalog.readPlan({ show, after, limit }),
  );
  return answerJson<PlannedPathsAnswer>({
    paths: page.map(({ hash, name, fileBytes, pushedAt, usedAt, goesAt, rule }) => ({
      path: hash,
      name: name ?? null,
      bytes: fileBytes ?? null,
      pushedAt: toTime(pushedAt),
      usedAt: toTime(usedAt),
      goesAt: toTime(goesAt),
      rule: rule ?? null,
    })),
    next: page.length === limit ? (page.at(-1)?.hash ?? null) : null,
  });
}

/** GET `/api/v1/why`: says why a path is kept. The scope push suffices: it tells no more than a push may know. */
export async function readWhy(exchange: Exchange): Promise<Response> {
  await admitWriter(exchange, "push");
  const text = new URL(exchange.request.url).searchParams.get("path") ?? "";
  const path = requireHash(text, "path");
  const answer = await askCatalog(exchange, async (catalog) => await catalog.why(path));
  return answerJson<WhyPathAnswer>({
    state: answer.state,
    chain: answer.chain.map(({ hash, name }) => ({ path: hash, name: name ?? null })),
    rule: answer.rule ?? null,
    since: toTime(answer.since),
    goesAt: toTime(answer.goesAt),
    collecting: exchange.cache.catalog.retention.isCollecting,
  });
}

function requireHash(text: string, parameter: string): StorePathHash {
  const hash = parseStorePathHash(text);
  if (!hash.ok) throw malformed(`${parameter}: ${hash.error}`);
  return hash.value;
}

function toTime(milliseconds: number | undefined): string | null {
  return milliseconds === undefined ? null : new Date(milliseconds).toISOString();
}

function toState({ isCollecting, running, last, obstacles }: RetentionStatus): CollectionState {
  const { pathGraceMilliseconds, narGraceMilliseconds } = RETENTION_RULES;
  return {
    collecting: isCollecting,
    running: running === undefined ? null : toRun(running),
    last: last === undefined ? null : toRun(last),
    obstacles: [...obstacles],
    pathGraceSeconds: pathGraceMilliseconds / 1000,
    narGraceSeconds: narGraceMilliseconds / 1000,
  };
}

function toRun(run: RunReport): NonNullable<CollectionState["last"]> {
  const { kind, by, phase, kept, removedPaths, removedNars, removedBytes } = run;
  return {
    kind,
    by,
    phase,
    kept,
    removedPaths,
    removedNars,
    removedBytes,
    startedAt: new Date(run.startedAt).toISOString(),
    endedAt: toTime(run.endedAt),
    going: run.condemned,
    goingBytes: run.condemnedBytes,
    budgetCutoff: toTime(run.budgetCutoff),
  };
}
