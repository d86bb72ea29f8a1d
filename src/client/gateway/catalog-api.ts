import {
  type CatalogStats,
  catalogStatsSchema,
  closurePathSchema,
  type ClosurePath,
  closureTotalsSchema,
  type ClosureTotals,
  type DependentsEnd,
  dependentsEndSchema,
  type KnownPath,
  knownPathSchema,
  type PathPage,
  pathPageSchema,
} from "../../api/catalog-answers.ts";
import { ENDPOINTS } from "../../api/endpoints.ts";
import { readShape } from "../../api/read-shape.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { GenericSchema, InferOutput } from "valibot";
import { ClientError } from "../client-error.ts";
import { type CacheClient, CacheRefusal } from "./cache-client.ts";
import { notUnderstood, understandAnswer } from "./understand-answer.ts";

/** Asks the catalog of a cache. Throws a `ClientError` that says what to do if there is none. */
export interface CatalogApi {
  /** Gives all paths, page by page. */
  listPaths(order: "hash" | "name"): AsyncGenerator<PathPage>;
  /** Gives the paths whose names contain a text, page by page. */
  searchPaths(name: string): AsyncGenerator<PathPage>;
  /** `undefined` if the catalog does not know the path. */
  readPath(hash: StorePathHash): Promise<KnownPath | undefined>;
  /** Calls `onPath` for each path of a closure, and returns its sums. `undefined` as above. */
  readClosure(
    hash: StorePathHash,
    onPath: ((path: ClosurePath) => void) | undefined,
  ): Promise<ClosureTotals["totals"] | undefined>;
  /**
   * Returns all paths that need a path, referrers first and the path itself last. `more`:
   * there are others. `undefined` as above.
   */
  readDependents(
    hash: StorePathHash,
  ): Promise<
    (DependentsEnd["dependents"] & { readonly found: readonly ClosurePath[] }) | undefined
  >;
  readStats(): Promise<CatalogStats>;
}

export function createCatalogApi(client: CacheClient): CatalogApi {
  async function ask<Schema extends GenericSchema>(
    target: string,
    schema: Schema,
  ): Promise<InferOutput<Schema>> {
    const [path = ""] = target.split("?");
    try {
      return understandAnswer(schema, await client.call("GET", target), path);
    } catch (error) {
      throw explained(error);
    }
  }

  async function* pages(target: string, query: Readonly<Record<string, string>>) {
    let after: string | null = null;
    do {
      const parameters = new URLSearchParams({ ...query, ...(after === null ? {} : { after }) });
      const page: PathPage = await ask(`${target}?${parameters}`, pathPageSchema);
      yield page;
      if (page.next !== null && page.next === after) {
        throw notUnderstood(target, "its pages do not end");
      }
      after = page.next;
    } while (after !== null);
  }

  /** Returns false if the catalog does not know the path. */
  async function readLines(target: string, onLine: (line: unknown) => void): Promise<boolean> {
    const lines = client.getLines(target, onLine).then(
      () => true,
      (error: unknown) => {
        throw explained(error);
      },
    );
    return (await orUnknown(lines)) ?? false;
  }

  return {
    listPaths: (order) => pages(ENDPOINTS.paths, { order }),
    searchPaths: (name) => pages(ENDPOINTS.search, { name }),
    readPath: (hash) => orUnknown(ask(`${ENDPOINTS.paths}/${hash}`, knownPathSchema)),
    readStats: () => ask(ENDPOINTS.stats, catalogStatsSchema),

    async readDependents(hash) {
      const target = `${ENDPOINTS.paths}/${hash}/dependents`;
      const found: ClosurePath[] = [];
      let end: DependentsEnd["dependents"] | undefined;
      const isKnown = await readLines(target, (line) => {
        const last = readShape(dependentsEndSchema, line);
        if (last.ok) end = last.value.dependents;
        else found.push(understandAnswer(closurePathSchema, line, target));
      });
      if (!isKnown) return undefined;
      if (end === undefined) throw notUnderstood(target, "it was cut");
      return { ...end, found };
    },

    async readClosure(hash, onPath) {
      const target = `${ENDPOINTS.paths}/${hash}/closure`;
      let totals: ClosureTotals["totals"] | undefined;
      const isKnown = await readLines(
        onPath === undefined ? `${target}?paths=false` : target,
        (line) => {
          const last = readShape(closureTotalsSchema, line);
          if (last.ok) totals = last.value.totals;
          else onPath?.(understandAnswer(closurePathSchema, line, target));
        },
      );
      if (!isKnown) return undefined;
      if (totals === undefined) throw notUnderstood(target, "it was cut");
      return totals;
    },
  };
}

/** Whether an error says that this gateway has no catalog, or that the token may not ask it. */
export function hasNoCatalog(error: unknown): boolean {
  return (
    error instanceof CatalogMissing ||
    (error instanceof CacheRefusal && [401, 403, 404].includes(error.status))
  );
}

/** The gateway has no catalog. */
class CatalogMissing extends ClientError {}

function explained(error: unknown): unknown {
  if (!(error instanceof CacheRefusal)) return error;
  if (error.code === "catalog-off") {
    return new CatalogMissing(
      "this cache keeps no catalog: ask its operator to set CATALOG=on (docs/configuration.md)",
    );
  }
  const isOlder = error.status === 404 && error.code !== "path-not-in-catalog";
  if (!isOlder) return error;
  return new CatalogMissing(
    "this gateway is too old for this command: deploy the version of this command, and set CATALOG=on",
  );
}

async function orUnknown<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof CacheRefusal && error.code === "path-not-in-catalog") return undefined;
    throw error;
  }
}
