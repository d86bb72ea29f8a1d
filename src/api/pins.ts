import {
  check,
  literal,
  maxValue,
  minValue,
  number,
  object,
  pipe,
  regex,
  safeInteger,
  string,
  union,
} from "valibot";
import { parseStorePathBaseName, type StorePath, type StorePathHash } from "../nix/store-path.ts";
import { err, ok, type Result } from "../result.ts";
import { notAnObject } from "./read-shape.ts";

/**
 * Pins protect paths, and everything that these paths need, from garbage collection.
 *
 * A pin has a name and a list of revisions: pinning the same name again adds one. The
 * newest revision says which revisions the pin keeps. The words and the rules are those
 * of cachix, except that a path counts once however often it was pinned.
 */

/** Which revisions a pin keeps. */
export type PinKeep = "forever" | { readonly days: number } | { readonly revisions: number };

/** One revision of a pin: who pinned which path, and when. */
export interface PinRevision {
  readonly path: StorePath;
  readonly at: Date;
  /** The name of the token. */
  readonly by: string;
  /** What the pin keeps, if this is its newest revision. */
  readonly keep: PinKeep;
}

export interface NamedRevision {
  readonly name: string;
  readonly revision: PinRevision;
}

/** A pin with all its revisions, the newest first. It has at least one. */
export interface Pin {
  readonly name: string;
  readonly revisions: readonly PinRevision[];
}

/** The most revisions of one pin: as many as one page of a listing shows. */
export const MAX_PIN_REVISIONS = 1000;

/** A hundred years. */
export const MAX_KEEP_DAYS = 36_500;

const DAY_MILLISECONDS = 86_400_000;

/** The name begins with a letter or a digit: "." and ".." would be no names of folders. */
const PIN_NAME = /^[0-9A-Za-z][\w.-]{0,99}$/;
const PIN_NAME_PROBLEM =
  "is not 1 to 100 letters, digits and . _ - with a letter or digit at the beginning";

/** Checks the name of a pin. The error is a predicate. */
export function parsePinName(text: string): Result<string> {
  return PIN_NAME.test(text) ? ok(text) : err(PIN_NAME_PROBLEM);
}

const text = string("is not a text");
export const pinNameSchema = pipe(text, regex(PIN_NAME, PIN_NAME_PROBLEM));

function countSchema(most: number) {
  return pipe(number(), safeInteger(), minValue(1), maxValue(most));
}

const KEEP_PROBLEM = `is not "forever", { "days": 1 to ${MAX_KEEP_DAYS} } or { "revisions": 1 to ${MAX_PIN_REVISIONS} }`;

export const pinKeepSchema = union(
  [
    literal("forever"),
    object({ days: countSchema(MAX_KEEP_DAYS) }),
    object({ revisions: countSchema(MAX_PIN_REVISIONS) }),
  ],
  KEEP_PROBLEM,
);

/** The base name of a store path, such as `<hash>-hello-2.12`. */
export const pinPathSchema = pipe(
  text,
  check((base) => parseStorePathBaseName(base).ok, "is not <hash>-<name> of a store path"),
);

/** Body of `POST /api/v1/pins`. */
export const setPinSchema = object(
  { name: pinNameSchema, path: pinPathSchema, keep: pinKeepSchema },
  notAnObject,
);

/** Body of `POST /api/v1/pins/remove`. */
export const removePinSchema = object({ name: pinNameSchema }, notAnObject);

/** Returns the pins that these revisions belong to, in the order of their names. */
export function gatherPins(revisions: readonly NamedRevision[]): readonly Pin[] {
  const byName = new Map<string, PinRevision[]>();
  for (const { name, revision } of revisions) {
    const known = byName.get(name);
    if (known === undefined) byName.set(name, [revision]);
    else known.push(revision);
  }
  return [...byName]
    .map(([name, all]) => ({ name, revisions: all.toSorted(newestFirst) }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * Returns the revisions that a pin keeps at this time, the newest first: the paths that
 * are protected. With "days" the newest one ends too, so a pin can keep nothing.
 */
export function keptRevisions({ revisions }: Pin, now: Date): readonly PinRevision[] {
  const newest = revisions.toSorted(newestFirst);
  const seen = new Set<string>();
  const distinct = newest.filter(({ path }) => !seen.has(path.hash) && seen.add(path.hash));
  const keep = newest[0]?.keep ?? "forever";
  if (keep === "forever") return distinct;
  if ("revisions" in keep) return distinct.slice(0, keep.revisions);
  const oldest = now.getTime() - keep.days * DAY_MILLISECONDS;
  return distinct.filter(({ at }) => at.getTime() >= oldest);
}

/** Returns the hashes of all paths that pins keep at this time. */
export function keptHashes(pins: readonly Pin[], now: Date): ReadonlySet<StorePathHash> {
  return new Set(pins.flatMap((pin) => keptRevisions(pin, now)).map(({ path }) => path.hash));
}

/** Returns the names of the pins that keep one of these paths at this time. */
export function namesOfKeepers(
  pins: readonly Pin[],
  hashes: ReadonlySet<string>,
  now: Date,
): readonly string[] {
  return pins
    .filter((pin) => keptRevisions(pin, now).some(({ path }) => hashes.has(path.hash)))
    .map(({ name }) => name);
}

/** Two revisions of one millisecond have an order too, so that everyone sees the same pin. */
function newestFirst(a: PinRevision, b: PinRevision): number {
  const milliseconds = b.at.getTime() - a.at.getTime();
  if (milliseconds !== 0) return milliseconds;
  return a.path.hash < b.path.hash ? -1 : Number(a.path.hash > b.path.hash);
}
