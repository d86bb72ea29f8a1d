/** A path that may be published only after its references. */
export interface Dependent {
  readonly id: string;
  /** IDs of its references. Unknown IDs count as published; a self-reference is ignored. */
  readonly references: readonly string[];
}

export type Publication<T> =
  | { readonly outcome: "published"; readonly value: T }
  | { readonly outcome: "failed"; readonly error: unknown }
  /** `needs` is the ID of a reference that was not published. */
  | { readonly outcome: "blocked"; readonly needs: string };

export interface PublishSteps<D extends Dependent, P, T> {
  /**
   * Does the work that needs no reference. All calls start at once; the step itself
   * must limit how many run.
   */
  prepare(path: D): Promise<P>;
  /** Publishes the path. Called after all its references are published. */
  publish(path: D, prepared: P): Promise<T>;
  onEnd(path: D, publication: Publication<T>): void;
}

/**
 * Publishes each path after its references. If a path fails, exactly the paths
 * that need it are blocked; all others are published. Preparations start in an
 * order in which references come first. `lost` has the IDs of paths that failed
 * before. Throws if paths refer to each other in a circle, which no store has.
 */
export async function publishReferencesFirst<D extends Dependent, P, T>(
  paths: readonly D[],
  lost: Iterable<string>,
  steps: PublishSteps<D, P, T>,
): Promise<void> {
  const ended = new Map<string, Promise<Publication<T>>>();
  const failed = new Set(lost);

  async function run(path: D, references: readonly string[]): Promise<Publication<T>> {
    const known = references.find((id) => failed.has(id));
    if (known !== undefined) return { outcome: "blocked", needs: known };
    const prepared = await steps.prepare(path);
    const publications = await Promise.all(references.map((id) => ended.get(id)));
    const missing = publications.findIndex((publication) => publication?.outcome !== "published");
    if (missing !== -1) return { outcome: "blocked", needs: references[missing] ?? "" };
    return { outcome: "published", value: await steps.publish(path, prepared) };
  }

  for (const path of sortReferencesFirst(paths)) {
    const isAwaited = (id: string) => id !== path.id && (ended.has(id) || failed.has(id));
    const references = path.references.filter(isAwaited);
    const publication = run(path, references)
      .catch((error: unknown) => ({ outcome: "failed", error }) as const)
      .then((result) => {
        if (result.outcome !== "published") failed.add(path.id);
        steps.onEnd(path, result);
        return result;
      });
    ended.set(path.id, publication);
  }
  await Promise.all(ended.values());
}

/** Sorts paths so that references come first. Otherwise the given order stays. */
export function sortReferencesFirst<D extends Dependent>(paths: readonly D[]): readonly D[] {
  const byId = new Map(paths.map((path) => [path.id, path]));
  const sorted: D[] = [];
  const states = new Map<string, "open" | "done">();
  for (const root of paths) {
    // Not a recursion, because a chain of references may be longer than the call stack allows.
    const stack = [{ path: root, next: 0 }];
    while (stack.length > 0) {
      const frame = stack.at(-1) as (typeof stack)[number];
      const { path } = frame;
      if (frame.next === 0 && states.has(path.id)) {
        stack.pop();
        continue;
      }
      states.set(path.id, "open");
      const id = path.references[frame.next++];
      if (id === undefined) {
        states.set(path.id, "done");
        sorted.push(path);
        stack.pop();
        continue;
      }
      const reference = byId.get(id);
      if (reference === undefined || id === path.id) continue;
      if (states.get(id) === "open") throw new Error(`${path.id} and ${id} refer to each other`);
      if (!states.has(id)) stack.push({ path: reference, next: 0 });
    }
  }
  return sorted;
}
