import type { StorePathHash } from "../../src/nix/store-path.ts";
import type { Bucket } from "../../src/worker/bucket/bucket.ts";
import { CacheError } from "../../src/worker/cache-error.ts";
import { RETENTION_RULES } from "../../src/worker/catalog/retention/retention-rules.ts";
import { SECOND, type WorldDice } from "./retention-dice.ts";

const { attemptMilliseconds, holdMilliseconds } = RETENTION_RULES;

export interface WorldObject {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly at: number;
}

export interface WorldPath {
  readonly hash: StorePathHash;
  readonly references: readonly StorePathHash[];
  /** The names of the NARs that pushers may make of it: two compressions. */
  readonly nars: readonly [string, string];
}

const DIGITS = "0123456789abcdfghijklmnpqrsvwxyz";
const hashOf = (index: number): StorePathHash =>
  (DIGITS[index] as string).repeat(32) as StorePathHash;
const narOf = (index: number, variant: number): string =>
  `nar/0${(DIGITS[index] as string).repeat(50)}${DIGITS[variant]}.nar`;

/** References to paths of lower numbers. Paths 6 and 7 have the same contents. */
const REFERENCES: readonly (readonly number[])[] = [[], [], [0], [0, 1], [2], [2, 3], [4], [4, 5]];

export const WORLD_PATHS: readonly WorldPath[] = REFERENCES.map((references, index) => {
  const contents = index === 7 ? 6 : index;
  return {
    hash: hashOf(index),
    references: references.map(hashOf),
    nars: [narOf(contents, 0), narOf(contents, 1)],
  };
});

/** Returns a path and all that it needs, references first. */
export function closureOf(path: WorldPath): readonly WorldPath[] {
  const found = new Set<WorldPath>();
  const add = (one: WorldPath): void => {
    for (const hash of one.references) {
      add(WORLD_PATHS.find((other) => other.hash === hash) as WorldPath);
    }
    found.add(one);
  };
  add(path);
  return [...found];
}

export function worldText({ hash, references }: WorldPath, nar: string, signature: number): string {
  const file = nar.slice("nar/".length, -".nar".length);
  return [
    `StorePath: /nix/store/${hash}-thing`,
    `URL: ${nar}`,
    "Compression: none",
    `FileHash: sha256:${file}`,
    "FileSize: 1",
    `NarHash: sha256:${file}`,
    "NarSize: 1",
    `References: ${references.map((reference) => `${reference}-thing`).join(" ")}`,
    `Sig: key-${signature}:${"A".repeat(86)}==`,
    "",
  ].join("\n");
}

/** A bucket whose requests act late or get no answer, and that watches what is lost. */
export interface WorldBucket {
  readonly objects: ReadonlyMap<string, WorldObject>;
  readonly violations: readonly string[];
  readonly counts: { published: number; removedPaths: number; removedNars: number };
  /** When the catalog was lost last: it does not know what it removed before. */
  lostAt: number;
  /** Called whenever the catalog sends a deletion. */
  onDeletion: () => void;
  /** The operations that the catalog uses. They get no answer once `isAlive` is false. */
  open(isAlive: () => boolean, repeats: boolean): Bucket;
  put(path: string, bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  look(path: string): Promise<WorldObject | undefined>;
}

export interface WorldBucketOptions {
  readonly isCalm: boolean;
  /** The path that a pin keeps all the time. */
  readonly pinned: WorldPath | undefined;
}

const never = (): Promise<never> => new Promise(() => {});

export function createWorldBucket(
  { time, between, chance, say, clock }: WorldDice,
  { isCalm, pinned }: WorldBucketOptions,
): WorldBucket {
  const objects = new Map<string, WorldObject>();
  /** The references that were there when each narinfo was published. */
  const needs = new Map<string, ReadonlySet<string>>();
  /** When the deletion was sent of each narinfo that is gone. */
  const removals = new Map<string, number>();
  const violations = new Set<string>();
  const counts = { published: 0, removedPaths: 0, removedNars: 0 };
  let tags = 0;

  function violate(line: string): void {
    say(`VIOLATION ${line}`);
    violations.add(`${clock()}: ${line}`);
  }

  function check(): void {
    for (const { hash } of WORLD_PATHS) {
      const narinfo = objects.get(`${hash}.narinfo`);
      if (narinfo === undefined) continue;
      const nar = /^URL: (.*)$/m.exec(new TextDecoder().decode(narinfo.bytes))?.[1] ?? "";
      if (!objects.has(nar)) violate(`${hash[0]} lacks its NAR ${nar}`);
      for (const need of needs.get(hash) ?? []) {
        if (!objects.has(`${need}.narinfo`)) violate(`${hash[0]} lacks ${need[0]}`);
      }
    }
  }

  function write(path: string, bytes: Uint8Array<ArrayBuffer>): void {
    say(`put ${path}`);
    objects.set(path, { bytes, etag: `"${++tags}"`, at: time.now() });
    const published = WORLD_PATHS.find(({ hash }) => path === `${hash}.narinfo`);
    if (published === undefined) return;
    counts.published++;
    const { hash, references } = published;
    const present = references.filter((reference) => objects.has(`${reference}.narinfo`));
    needs.set(hash, new Set(present));
    for (const reference of references) {
      const sentAt = removals.get(reference) ?? -Infinity;
      if (present.includes(reference) || sentAt <= bucket.lostAt) continue;
      violate(`${hash[0]} is published without ${reference[0]}, which was removed`);
    }
    check();
  }

  function remove(path: string, sentAt: number): void {
    if (!objects.delete(path)) return;
    say(`removed ${path}`);
    if (path.startsWith("nar/")) counts.removedNars++;
    else {
      const hash = path.slice(0, 32);
      counts.removedPaths++;
      removals.set(hash, sentAt);
      needs.delete(hash);
      if (hash === pinned?.hash) violate(`the pinned path ${hash[0]} was removed`);
    }
    check();
  }

  /** A request that changes something: it may fail, and act all the same, sooner or later. */
  async function change(isAlive: () => boolean, share: number, effect: () => void): Promise<void> {
    await time.sleep(chance(0.2) ? between(0, 8 * SECOND) : between(5, 200));
    if (isCalm || !chance(share)) {
      effect();
      await time.sleep(between(5, 200));
      return isAlive() ? undefined : await never();
    }
    const givenUpAt = time.now() + (chance(0.5) ? between(0, SECOND) : attemptMilliseconds / 2);
    if (chance(0.5)) {
      say("a request will act late");
      const actsAt = chance(0.5)
        ? between(time.now(), givenUpAt)
        : givenUpAt + between(0, holdMilliseconds - SECOND);
      void time.sleep(actsAt - time.now()).then(effect);
    }
    await time.sleep(givenUpAt - time.now());
    if (!isAlive()) return await never();
    throw new CacheError("bucket-unavailable", "no answer");
  }

  async function read<T>(isAlive: () => boolean, find: () => T): Promise<T> {
    await time.sleep(chance(0.1) ? between(0, 10 * SECOND) : between(5, 100));
    const value = find();
    await time.sleep(between(5, 100));
    if (!isAlive()) return await never();
    if (!isCalm && chance(0.01)) throw new CacheError("bucket-unavailable", "no answer");
    return value;
  }

  function open(isAlive: () => boolean, repeats: boolean): Bucket {
    async function removeOnce(path: string, share: number): Promise<void> {
      say(`delete ${path}`);
      if (!path.endsWith(".ls")) bucket.onDeletion();
      const sentAt = time.now();
      await change(isAlive, share, () => remove(path, sentAt));
    }
    const operations: Pick<Bucket, "list" | "read" | "head" | "delete"> = {
      list: (start, { after = "", limit = 1000, isFlat = false } = {}) =>
        read(isAlive, () => {
          const paths = [...objects.keys()]
            .filter((path) => path.startsWith(start) && path > after)
            .filter((path) => !(isFlat && path.slice(start.length).includes("/")))
            .toSorted();
          const page = paths.slice(0, limit).map((path) => {
            const object = objects.get(path) as WorldObject;
            return { path, ...headOf(object), lastModified: new Date(object.at) };
          });
          return { objects: page, continuation: undefined, isLast: paths.length <= limit };
        }),
      read: (path) =>
        read(isAlive, () => {
          const object = objects.get(path);
          return object && { ...headOf(object), bytes: object.bytes.slice().buffer };
        }),
      head: (path) =>
        read(isAlive, () => {
          const object = objects.get(path);
          return object && headOf(object);
        }),
      async delete(path) {
        if (!repeats) return await removeOnce(path, FAILING);
        await removeOnce(path, 4 * FAILING).catch(async () => await removeOnce(path, 0));
      },
    };
    return operations as Bucket;
  }

  const bucket: WorldBucket = {
    objects,
    get violations() {
      return [...violations];
    },
    counts,
    lostAt: -Infinity,
    onDeletion: () => {},
    open,
    put: (path, bytes) =>
      change(
        () => true,
        FAILING,
        () => write(path, bytes),
      ),
    look: (path) =>
      read(
        () => true,
        () => objects.get(path),
      ),
  };
  return bucket;
}

/** The share of the requests that get no answer. */
const FAILING = 0.08;

const headOf = (object: WorldObject) => ({
  sizeBytes: object.bytes.byteLength,
  etag: object.etag,
  lastModified: undefined,
  contentEncoding: undefined,
});
