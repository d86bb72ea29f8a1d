import { gatherPins, type NamedRevision, type Pin } from "../../api/pins.ts";
import { err, ok, type Result } from "../../result.ts";
import { type Bucket, isInOrder } from "../bucket/bucket.ts";
import { CacheError } from "../cache-error.ts";
import { parsePinPath, pinFolder, PINS_FOLDER } from "./pin-path.ts";

type Lister = Pick<Bucket, "list">;

/** One page of the folder of the pins, or of the folder of one pin. */
export interface PinPage {
  readonly revisions: readonly NamedRevision[];
  /** Names of objects that are no pins, below the folder of the pins. */
  readonly unreadable: readonly string[];
  /** The name behind which the next page begins. `undefined` for the last page. */
  readonly next: string | undefined;
}

/**
 * Lists a page of the revisions of all pins, behind `after`: one request to the bucket.
 * Throws the failures of the bucket, also for a page that leaves something out.
 */
export async function listPins(bucket: Lister, after?: string): Promise<PinPage> {
  return await listFolder(bucket, PINS_FOLDER, after);
}

/** Lists the revisions of one pin, at most `MAX_PIN_REVISIONS` of them. */
export async function listPin(bucket: Lister, name: string): Promise<PinPage> {
  return await listFolder(bucket, pinFolder(name), undefined);
}

/** Why the pins are not known. */
export interface UnknownPins {
  readonly why: "too-many" | "unreadable";
  /** One sentence for the operator, without a full stop. */
  readonly says: string;
}

/**
 * Reads all pins, for a program that deletes what no pin protects. It must delete nothing
 * if this fails, because an object that is no pin may be the pin of a newer gateway. The
 * failures of the bucket are thrown, and mean the same.
 */
export async function readAllPins(
  bucket: Lister,
  maxPages: number,
): Promise<Result<readonly Pin[], UnknownPins>> {
  const revisions: NamedRevision[] = [];
  const unreadable: string[] = [];
  let next: string | undefined;
  for (let page = 0; page < maxPages; page++) {
    const listed = await listPins(bucket, next);
    revisions.push(...listed.revisions);
    unreadable.push(...listed.unreadable);
    next = listed.next;
    if (next === undefined) break;
  }
  const [first] = unreadable;
  if (first !== undefined) {
    const others = unreadable.length === 1 ? "" : `, and ${unreadable.length - 1} more`;
    const says = `${PINS_FOLDER} has an object that is no pin: ${first.slice(0, 200)}${others}`;
    return err({ why: "unreadable", says });
  }
  if (next === undefined) return ok(gatherPins(revisions));
  return err({
    why: "too-many",
    says: `there are more than ${revisions.length} revisions of pins`,
  });
}

async function listFolder(
  bucket: Lister,
  folder: string,
  after: string | undefined,
): Promise<PinPage> {
  const start = after === undefined ? "" : PINS_FOLDER + after;
  const { objects, isLast } = await bucket.list(
    folder,
    after === undefined ? {} : { after: start },
  );
  // A page in another order, or one that begins too early, may leave out a pin.
  if (!isInOrder(objects, start) || objects.some(({ path }) => !path.startsWith(folder))) {
    throw new CacheError("bucket-unavailable", `a page of ${folder} is not in order`);
  }
  const last = objects.at(-1)?.path;
  if (!isLast && last === undefined) {
    throw new CacheError("bucket-unavailable", `a page of ${folder} is empty and not the last`);
  }
  const revisions: NamedRevision[] = [];
  const unreadable: string[] = [];
  for (const { path } of objects) {
    const pin = parsePinPath(path);
    if (pin.ok) revisions.push(pin.value);
    else unreadable.push(path.slice(PINS_FOLDER.length));
  }
  return { revisions, unreadable, next: isLast ? undefined : last?.slice(PINS_FOLDER.length) };
}
