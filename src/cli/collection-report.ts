import type { CollectionState, WhyPathAnswer } from "../api/collection.ts";
import type { PlannedPathLine } from "../client/gateway/collection-api.ts";
import { toOneLine } from "../client/plain-text.ts";
import { formatBytes } from "../client/progress/format-amounts.ts";

type Run = NonNullable<CollectionState["last"]>;

const RULES = {
  pushing: "being pushed, or named to a push in the last day",
  pinned: "pinned",
  young: "young enough (KEEP_DAYS, KEEP_GIGABYTES)",
  newest: "among the newest of their name (KEEP_NEWEST)",
  needed: "needed by a path that stays",
} as const satisfies Record<keyof Run["kept"], string>;

/** Returns what a run has found, for people. */
export function formatRun(
  run: Run,
  { pathGraceSeconds, narGraceSeconds }: CollectionState,
): string {
  const staying = Object.values(run.kept).reduce((sum, paths) => sum + paths, 0);
  const rules = Object.entries(RULES).flatMap(([rule, text]) => {
    const paths = run.kept[rule as keyof Run["kept"]];
    return paths === 0 ? [] : [`  ${paths} ${text}`];
  });
  const lines = [
    `${count(staying, "path")} ${staying === 1 ? "stays" : "stay"}`,
    ...rules,
    `${count(run.going, "path")} ${run.going === 1 ? "goes" : "go"}, with NARs of ${formatBytes(run.goingBytes)}`,
    ...(run.going === 0
      ? []
      : [
          `  A narinfo goes ${days(pathGraceSeconds)} after nothing keeps it, and its NAR ${days(narGraceSeconds)}`,
          "  later, so the space comes back later too. A NAR that another path names stays.",
        ]),
    ...(run.budgetCutoff === null
      ? []
      : [`  To fit KEEP_GIGABYTES, paths of before ${run.budgetCutoff} are not kept by their age`]),
    ...(run.kind === "run"
      ? [
          `removed ${count(run.removedPaths, "path")} and ${count(run.removedNars, "NAR")} (${formatBytes(run.removedBytes)})`,
        ]
      : []),
  ];
  return lines.join("\n");
}

/** Returns the lines that say why nothing is removed. */
export function formatObstacles({ obstacles }: CollectionState): readonly string[] {
  return obstacles.map((text) => `nothing is removed: ${toOneLine(text)}`);
}

export function formatPlannedPath(
  { path, name, bytes, goesAt }: PlannedPathLine,
  storeDir: string,
): string {
  const size = bytes === null ? "?" : formatBytes(bytes);
  const when = goesAt === null ? "" : `  from ${goesAt.slice(0, 10)}`;
  return `${pathOf(path, name, storeDir)}  ${size}${when}`;
}

/** Returns the answer to `nargate why`, for people. */
export function formatWhy(
  { state, chain, rule, since, goesAt, collecting }: WhyPathAnswer,
  text: string,
  storeDir: string,
): string {
  switch (state) {
    case "absent":
      return `${text}: not in the cache`;
    case "removed":
      return `${text}: was removed from the cache, because nothing kept it`;
    case "deleting":
      return `${text}: is being removed`;
    case "going":
      return `${text}: nothing keeps it. ${
        collecting && goesAt !== null
          ? `It goes on ${goesAt.slice(0, 10)} or later, unless it is used, pushed or pinned before.`
          : "It stays all the same, because COLLECT is off."
      }`;
    case "kept": {
      const [first, ...others] = chain.map(({ path, name }) => pathOf(path, name, storeDir));
      const steps = others.map((other) => `  is needed by ${other}`);
      const day = since === null ? "" : ` (since ${since.slice(0, 10)})`;
      return [first ?? text, ...steps, `  ${rule === null ? "" : WHY[rule]}${day}`].join("\n");
    }
  }
}

const WHY = {
  pushing: "which is being pushed, or a push was told of it in the last day",
  pinned: "which is pinned",
  young: "which is young enough",
  newest: "which is among the newest of its name",
  needed: "which another path needs",
} as const satisfies Record<keyof Run["kept"], string>;

function pathOf(hash: string, name: string | null, storeDir: string): string {
  return name === null ? hash : `${storeDir}/${hash}-${toOneLine(name)}`;
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

function days(seconds: number): string {
  return count(Math.round(seconds / 86_400), "day");
}
