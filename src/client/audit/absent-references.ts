import {
  formatStorePathBaseName,
  parseStorePathBaseName,
  parseStorePathHash,
  type StorePath,
  type StorePathHash,
} from "../../nix/store-path.ts";
import { err, ok, type Result } from "../../result.ts";
import { copyOf } from "./nar-table.ts";

/** A reference that no narinfo of the bucket was found for, and one of the paths that name it. */
export interface AbsentReference {
  readonly reference: StorePath;
  readonly referrer: StorePathHash;
}

export interface AbsentReferences {
  /** Returns whether the reference is new. */
  add(absent: AbsentReference): boolean;
  /** Takes a reference away, because its narinfo was found. */
  remove(hash: StorePathHash): void;
  count(): number;
  /** How many references were not kept, because there were too many. */
  dropped(): number;
  /** Returns each reference once, in the order in which they were added. */
  all(): Generator<AbsentReference, void>;
}

/**
 * The most references that are kept, with about 200 bytes for each. A cache that leaves all
 * of nixpkgs to an upstream has less; someone who pushes made-up references could name more.
 */
const MAX_REFERENCES = 500_000;

export function createAbsentReferences(max = MAX_REFERENCES): AbsentReferences {
  const texts = new Map<string, string>();
  let dropped = 0;
  return {
    add(absent) {
      const { hash } = absent.reference;
      if (texts.has(hash)) return false;
      if (texts.size >= max) {
        dropped++;
        return false;
      }
      const text = copyOf(formatAbsent(absent));
      texts.set(copyOf(hash), text);
      return true;
    },
    remove: (hash) => void texts.delete(hash),
    count: () => texts.size,
    dropped: () => dropped,
    *all() {
      for (const text of texts.values()) {
        const absent = parseAbsent(text);
        if (absent.ok) yield absent.value;
      }
    },
  };
}

/** Returns `<base name of the reference> <hash of the referrer>`. */
export function formatAbsent({ reference, referrer }: AbsentReference): string {
  return `${formatStorePathBaseName(reference)} ${referrer}`;
}

/** Parses the form of `formatAbsent`. The error is a predicate. */
export function parseAbsent(text: string): Result<AbsentReference> {
  const [name = "", hash = "", ...more] = text.split(" ");
  const reference = parseStorePathBaseName(name);
  const referrer = parseStorePathHash(hash);
  return reference.ok && referrer.ok && more.length === 0
    ? ok({ reference: reference.value, referrer: referrer.value })
    : err("is not a reference and its referrer");
}
