import { parseObjectKey } from "../../nix/object-key.ts";
import { isInOrder, type ListPage } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { type AbsenceContext, type LoadedFilter, STORED_AS } from "./absence-context.ts";
import {
  type AbsenceFolder,
  BUILD_PATH,
  createFilterPath,
  readAbsenceFolder,
} from "./absence-folder.ts";
import { type FilterFile, formatFilterFile } from "./filter-file.ts";
import {
  addHash,
  createHashFilter,
  type HashPrefix,
  mayHaveHash,
  prefixOf,
} from "./hash-filter.ts";

// Behind `.incoming/` and `.nargate/`, and before the first digit of a hash.
const BEGINNING = "/";

/** The end of one step of a build. */
export type StepEnd =
  | { readonly kind: "unfinished" | "finished"; readonly build: FilterFile }
  /** The bucket showed a narinfo that a confirmed filter denies, and that nobody marked. */
  | { readonly kind: "foreign"; readonly prefix: HashPrefix }
  /** Another isolate has finished a filter meanwhile. */
  | { readonly kind: "overtaken" }
  | { readonly kind: "too-many" };

/**
 * Begins a build, and returns it with the time by the bucket's clock: the listing of the
 * filter starts after this moment, so each narinfo that was visible before is in it.
 * Returns `undefined` if the bucket does not tell the time, or says that it is too early.
 */
export async function beginBuild(
  current: LoadedFilter | undefined,
  { bucket, deployment, rules }: AbsenceContext,
): Promise<FilterFile | undefined> {
  const expected = (current?.file.count ?? 0) * 1.25;
  const capacity = rules.capacities.find((size) => size >= expected) ?? rules.capacities.at(-1);
  const random = crypto.getRandomValues(new Uint32Array(3));
  const isComparable = current?.file.deployment === deployment;
  const build: FilterFile = {
    deployment,
    id: random.slice(1).join("-"),
    start: 0,
    base: isComparable ? current.path : undefined,
    isConfirmed: false,
    count: 0,
    cursor: BEGINNING,
    filter: createHashFilter(capacity ?? 8, random[0] ?? 0),
  };
  await bucket.put(BUILD_PATH, formatFilterFile(build), STORED_AS);
  const start = Date.parse((await bucket.head(BUILD_PATH))?.lastModified ?? "");
  if (Number.isNaN(start)) return undefined;
  const isTooEarly =
    current !== undefined &&
    isComparable &&
    !current.file.isConfirmed &&
    start - current.file.start < rules.probationMilliseconds;
  // This isolate's clock is ahead of the bucket's.
  if (isTooEarly) return undefined;
  return { ...build, start, isConfirmed: isComparable };
}

/**
 * Takes the next pages of the bucket into the filter, and stores it: under a name of its
 * own if it is whole, and otherwise as the unfinished build. Narinfos that the filter
 * before this one lacks must be marked; a look that begins after the pages decides that.
 */
export async function continueBuild(
  build: FilterFile,
  current: LoadedFilter | undefined,
  seen: AbsenceFolder,
  context: AbsenceContext,
): Promise<StepEnd> {
  const { bucket, rules } = context;
  const base = build.base === undefined ? undefined : current?.file;
  const suspects: HashPrefix[] = [];
  let { filter, count, cursor, isConfirmed } = build;
  let isLast = false;
  for (let page = 0; page < rules.pagesInStep && !isLast; page++) {
    const listed = await bucket.list("", { after: cursor });
    if (!isInOrder(listed.objects, cursor)) {
      throw new CacheError("bucket-unavailable", `the listing behind ${cursor} is not in order`);
    }
    const prefixes = narinfosIn(listed);
    count += prefixes.length;
    if (count > filter.capacity) {
      const larger = rules.capacities.find((size) => size > filter.capacity);
      if (larger === undefined) return { kind: "too-many" };
      filter = createHashFilter(larger, filter.seed);
      count = 0;
      cursor = BEGINNING;
      continue;
    }
    for (const prefix of prefixes) {
      addHash(filter, prefix);
      if (base === undefined || mayHaveHash(base.filter, prefix)) continue;
      if (!seen.marked.has(prefix)) suspects.push(prefix);
    }
    isLast = listed.isLast;
    cursor = behind(listed.objects.at(-1)?.path ?? cursor);
  }
  // A marker is durable before its narinfo is visible, so this look shows it.
  const look = await readAbsenceFolder(bucket, rules.pagesInLook);
  const isOvertaken = look.filters.at(-1)?.path !== seen.filters.at(-1)?.path;
  if (isOvertaken || look.isOff) return { kind: "overtaken" };
  if (!look.isWhole) isConfirmed = false;
  const foreign = suspects.find((prefix) => !look.marked.has(prefix));
  if (foreign !== undefined) {
    if (base?.isConfirmed && look.isWhole) return { kind: "foreign", prefix: foreign };
    // Another version of the gateway may still have been writing when the first filter began.
    isConfirmed = false;
  }
  const next: FilterFile = { ...build, filter, count, cursor, isConfirmed };
  const path = isLast ? createFilterPath(build.start) : BUILD_PATH;
  await bucket.put(path, formatFilterFile(next), STORED_AS);
  if (isLast) await bucket.delete(BUILD_PATH);
  return { kind: isLast ? "finished" : "unfinished", build: next };
}

function narinfosIn({ objects }: ListPage): readonly HashPrefix[] {
  return objects.flatMap(({ path }) => {
    if (!path.endsWith(".narinfo")) return [];
    const key = parseObjectKey(`/${path}`);
    return key.ok && key.value.kind === "narinfo" ? [prefixOf(key.value.hash)] : [];
  });
}

/**
 * Returns where the next page begins. No narinfo lies in a folder, and the folder `nar/`
 * lies between the narinfos: "0" is the character behind "/".
 */
function behind(path: string): string {
  const slash = path.indexOf("/");
  return slash <= 0 ? path : `${path.slice(0, slash)}0`;
}
