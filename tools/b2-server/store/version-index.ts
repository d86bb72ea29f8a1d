import { compareKeys, lowerBound } from "./compare-keys.ts";
import type { AnyVersion, ObjectVersion } from "./object-version.ts";

/**
 * Keeps the versions of one bucket in memory. Requests read all metadata from here,
 * and only bodies from the disk.
 */
export class VersionIndex {
  // The versions of each key, newest first. No list is empty.
  readonly #versions = new Map<string, AnyVersion[]>();
  readonly #keys: string[];

  constructor(versions: readonly AnyVersion[] = []) {
    for (const version of versions) {
      const others = this.#versions.get(version.key);
      if (others === undefined) this.#versions.set(version.key, [version]);
      else others.push(version);
    }
    for (const others of this.#versions.values()) {
      others.sort((a, b) => (a.versionId < b.versionId ? 1 : -1));
    }
    this.#keys = [...this.#versions.keys()].toSorted(compareKeys);
  }

  /** Yields every key that has a version, hidden or not, in UTF-8 order, starting at `first`. */
  *keysFrom(first: string): Generator<string> {
    for (let index = lowerBound(this.#keys, first); index < this.#keys.length; index += 1) {
      const key = this.#keys[index];
      if (key !== undefined) yield key;
    }
  }

  /** Returns all versions of `key`, newest first. */
  versionsOf(key: string): readonly AnyVersion[] {
    return this.#versions.get(key) ?? [];
  }

  latest(key: string): AnyVersion | undefined {
    return this.#versions.get(key)?.[0];
  }

  /** Returns the object that a GET of `key` finds: the latest version, unless it is a delete marker. */
  visible(key: string): ObjectVersion | undefined {
    const latest = this.latest(key);
    return latest?.kind === "object" ? latest : undefined;
  }

  find(key: string, versionId: string): AnyVersion | undefined {
    return this.versionsOf(key).find((version) => version.versionId === versionId);
  }

  /** Adds a version. Uploads may finish in another order than their version IDs were created. */
  add(version: AnyVersion): void {
    const others = this.#versions.get(version.key);
    if (others === undefined) {
      this.#versions.set(version.key, [version]);
      this.#keys.splice(lowerBound(this.#keys, version.key), 0, version.key);
      return;
    }
    const at = others.findIndex((other) => other.versionId < version.versionId);
    others.splice(at === -1 ? others.length : at, 0, version);
  }

  remove(version: AnyVersion): void {
    const others = this.#versions.get(version.key);
    const at = others?.indexOf(version) ?? -1;
    if (others === undefined || at === -1) return;
    others.splice(at, 1);
    if (others.length > 0) return;
    this.#versions.delete(version.key);
    this.#keys.splice(lowerBound(this.#keys, version.key), 1);
  }
}
