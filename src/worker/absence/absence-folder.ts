import { type Bucket, isInOrder, type ListedObject } from "../bucket/bucket.ts";
import { type NargatePath, parseNargatePath } from "../bucket/nargate-path.ts";
import { type HashPrefix, isHashPrefix } from "./hash-filter.ts";

/**
 * The folder of the absences, which one listing shows whole:
 *
 *   off                      the operator's word was found to be wrong; no absence is told
 *   build                    a filter that is being built
 *   filter-<start>-<random>  a filter; its listing began at this time, in milliseconds
 *   published-<random>-<hash prefix>.<hash prefix>…   a marker: these paths are about to be published
 *
 * Filters and markers are never written twice under one name. The names of markers hold
 * all that they say, so a look needs no other request.
 */
const FOLDER = ".nargate/absence/";

export const OFF_PATH = pathOf("off");
export const BUILD_PATH = pathOf("build");

/** With 52 prefixes a name has 720 characters. */
export const MAX_MARKED = 52;

/** Returns the name of a new filter whose listing began at `start`. */
export function createFilterPath(start: number): NargatePath {
  return pathOf(`filter-${String(start).padStart(13, "0")}-${random()}`);
}

/** Returns the name of a new marker for at most `MAX_MARKED` paths. */
export function createMarkerPath(prefixes: readonly HashPrefix[]): NargatePath {
  return pathOf(`published-${random()}-${prefixes.join(".")}`);
}

interface FolderObject {
  readonly path: NargatePath;
  /** By the bucket's clock, in milliseconds. */
  readonly at: number;
}

export interface AbsenceFolder {
  readonly isOff: boolean;
  readonly build: FolderObject | undefined;
  /** The oldest comes first, by the time when its listing began. */
  readonly filters: readonly FolderObject[];
  readonly markers: readonly FolderObject[];
  /** The paths of all markers. */
  readonly marked: ReadonlySet<HashPrefix>;
  /** Whether the look saw every object and understood every name. */
  readonly isWhole: boolean;
}

/** Looks at the folder. Throws the failures of the bucket. */
export async function readAbsenceFolder(
  bucket: Pick<Bucket, "list">,
  maxPages: number,
): Promise<AbsenceFolder> {
  const objects: ListedObject[] = [];
  let isWhole = false;
  for (let page = 0; page < maxPages && !isWhole; page++) {
    const after = objects.at(-1)?.path;
    const listed = await bucket.list(FOLDER, after === undefined ? {} : { after });
    // A page that is not in order, or that begins too early, proves nothing.
    if (!isInOrder(listed.objects, after ?? "")) break;
    objects.push(...listed.objects);
    isWhole = listed.isLast;
  }
  return sortOut(objects, isWhole);
}

function sortOut(objects: readonly ListedObject[], isWhole: boolean): AbsenceFolder {
  const filters: FolderObject[] = [];
  const markers: FolderObject[] = [];
  const marked = new Set<HashPrefix>();
  let isOff = false;
  let build: FolderObject | undefined;
  let isKnown = true;
  for (const { path: text, lastModified } of objects) {
    const path = parseNargatePath(text);
    const name = text.slice(FOLDER.length);
    const [, prefixes] = /^published-[0-9a-f]{32}-(.+)$/.exec(name) ?? [];
    const at = lastModified?.getTime();
    if (!path.ok || at === undefined) isKnown = false;
    else if (name === "off") isOff = true;
    else if (name === "build") build = { path: path.value, at };
    else if (/^filter-\d{13}-[0-9a-f]{32}$/.test(name)) filters.push({ path: path.value, at });
    else if (prefixes !== undefined) {
      markers.push({ path: path.value, at });
      for (const prefix of prefixes.split(".")) {
        if (isHashPrefix(prefix)) marked.add(prefix);
        else isKnown = false;
      }
    } else isKnown = false;
  }
  return { isOff, build, filters, markers, marked, isWhole: isWhole && isKnown };
}

function random(): string {
  return crypto.getRandomValues(new Uint8Array(16)).toHex();
}

function pathOf(name: string): NargatePath {
  const path = parseNargatePath(FOLDER + name);
  if (!path.ok) throw new TypeError(`${name} ${path.error}`);
  return path.value;
}
