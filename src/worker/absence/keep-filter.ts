import type { NargatePath } from "../bucket/nargate-path.ts";
import { type FilterFile, maxFileBytes, parseFilterFile } from "./filter-file.ts";
import { type AbsenceContext, type LoadedFilter, STORED_AS } from "./absence-context.ts";
import { type AbsenceFolder, BUILD_PATH, OFF_PATH } from "./absence-folder.ts";
import { beginBuild, continueBuild } from "./build-filter.ts";

/** The step of a build that this isolate has done last. */
export interface OwnStep {
  readonly id: string;
  readonly cursor: string;
}

/** What one step of the upkeep leaves for the next one. */
export interface Upkeep {
  readonly step: OwnStep | undefined;
  /** Why there is no filter, for the operator. */
  readonly problem?: "too-many" | undefined;
}

/**
 * Does one step of the upkeep of the filter, if one is due: a step of a build, or the
 * removal of markers and filters that a newer filter makes superfluous. Any isolate may do
 * any step, and two that do the same step do no harm.
 */
export async function keepFilter(
  folder: AbsenceFolder,
  current: LoadedFilter | undefined,
  own: OwnStep | undefined,
  context: AbsenceContext,
): Promise<Upkeep> {
  const build = await chooseBuild(folder, current, own, context);
  if (build === "leave") return { step: own };
  if (build === "none") {
    await sweep(folder, current, context);
    return { step: undefined };
  }
  const end = await continueBuild(build, current, folder, context);
  switch (end.kind) {
    case "unfinished":
      return { step: { id: end.build.id, cursor: end.build.cursor } };
    case "finished":
      context.log("info", "absence-filter-built", {
        paths: end.build.count,
        confirmed: end.build.isConfirmed,
      });
      return { step: undefined };
    case "foreign":
      await switchOff(end.prefix, folder, context);
      return { step: undefined };
    case "overtaken":
      return { step: undefined };
    case "too-many":
      context.log("warn", "absence-too-many-paths", { most: context.rules.capacities.at(-1) });
      await context.bucket.delete(BUILD_PATH);
      return { step: undefined, problem: "too-many" };
  }
}

/** Returns the build to go on with, "leave" if another isolate is at it, "none" if none is due. */
async function chooseBuild(
  folder: AbsenceFolder,
  current: LoadedFilter | undefined,
  own: OwnStep | undefined,
  context: AbsenceContext,
): Promise<FilterFile | "leave" | "none"> {
  const { rules, deployment, now } = context;
  if (folder.build !== undefined) {
    const isFresh = now() - folder.build.at < rules.leaseMilliseconds;
    if (isFresh && own === undefined) return "leave";
    const build = (await readFilterFile(BUILD_PATH, context))?.file;
    const isOwn = build?.id === own?.id && build?.cursor === own?.cursor;
    if (isFresh && !isOwn) return "leave";
    const isUsable =
      build !== undefined &&
      build.start > 0 &&
      build.deployment === deployment &&
      (build.base === undefined ? !isComparable(current, context) : build.base === current?.path) &&
      now() - build.start < rules.filterMilliseconds;
    if (isUsable) return build;
    await context.bucket.delete(BUILD_PATH);
  }
  if (!isDue(folder, current, context)) return "none";
  return (await beginBuild(current, context)) ?? "none";
}

function isComparable(current: LoadedFilter | undefined, { deployment }: AbsenceContext): boolean {
  return current?.file.deployment === deployment;
}

function isDue(
  { markers, filters }: AbsenceFolder,
  current: LoadedFilter | undefined,
  context: AbsenceContext,
): boolean {
  const { rules, now } = context;
  const newest = filters.at(-1);
  // While two deployments run, each would build filters that the other does not believe.
  if (newest !== undefined && now() - newest.at < rules.probationMilliseconds) return false;
  if (!current?.file.isConfirmed || !isComparable(current, context)) return true;
  return (
    now() - current.file.start >= rules.foldMilliseconds || markers.length >= rules.manyMarkers
  );
}

/**
 * Removes markers whose narinfos are in the newest filter, and older filters. A look that
 * misses them begins after the newest filter was stored, so it sees that filter.
 */
async function sweep(
  { markers, filters }: AbsenceFolder,
  current: LoadedFilter | undefined,
  { bucket, rules, now, random }: AbsenceContext,
): Promise<void> {
  if (current === undefined || now() - current.at < rules.settleMilliseconds) return;
  const superfluous = [
    ...filters.filter(({ path }) => path !== current.path),
    ...markers.filter(({ at }) => at < current.file.start - rules.graceMilliseconds),
  ];
  // Isolates that sweep at the same time begin at different places.
  const from = Math.floor(superfluous.length * random());
  const chosen = [...superfluous.slice(from), ...superfluous.slice(0, from)];
  await Promise.all(
    chosen.slice(0, rules.sweptInStep).map(async ({ path }) => await bucket.delete(path)),
  );
}

/**
 * Switches the filter off for all isolates: a narinfo was published past this gateway, so
 * the operator's word does not hold. Only the operator removes this object again.
 */
async function switchOff(
  prefix: string,
  { filters }: AbsenceFolder,
  { bucket, log }: AbsenceContext,
): Promise<void> {
  const text = `${prefix}… was published past the gateway.\n`;
  await bucket.put(OFF_PATH, new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>, STORED_AS);
  log("error", "absence-foreign-narinfo", {
    path: prefix,
    detail: "another writer published a narinfo: ABSENT=filter is switched off",
  });
  // They lack that narinfo, and must not be believed when the operator switches on again.
  const paths = [...filters.map(({ path }) => path), BUILD_PATH];
  await Promise.all(paths.map(async (path) => await bucket.delete(path)));
}

/** Reads a filter. Returns `undefined` for one that is gone, cut or changed. */
export async function readFilterFile(
  path: NargatePath,
  { bucket, rules, log }: AbsenceContext,
): Promise<{ readonly file: FilterFile } | undefined> {
  const stored = await bucket.read(path, maxFileBytes(rules.capacities.at(-1) ?? 0));
  if (stored === undefined) return undefined;
  const file =
    stored === "too-large"
      ? ({ ok: false, error: "is too large" } as const)
      : parseFilterFile(new Uint8Array(stored.bytes));
  if (file.ok) return { file: file.value };
  log("warn", "absence-filter-unreadable", { path, detail: file.error });
  return undefined;
}
