import { MAX_CATALOG_REFERENCES } from "../../api/catalog-limits.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { parseNarUrl } from "../../nix/object-key.ts";
import { formatStorePathBaseName, type StorePathHash } from "../../nix/store-path.ts";
import { CacheError } from "../cache-error.ts";
import type { CatalogPort, IntendedNarinfo, IntentVerdict } from "../catalog/catalog.ts";
import { RETENTION_RULES } from "../catalog/retention/retention-rules.ts";
import type { Clock } from "../clock.ts";

/**
 * Keeps what a push relies on from being removed, in a cache with COLLECT=on. A push
 * announces each narinfo before it looks at its NAR, and leases each NAR before it stores it.
 */
export interface RemovalGuard {
  /**
   * Announces the narinfos of a batch with few calls. `hold` then waits for the answers.
   * `upstream` has references that the pusher leaves to another cache.
   */
  announce(narinfos: readonly Narinfo[], upstream?: readonly StorePathHash[]): void;
  /**
   * Resolves once nothing that the narinfo names can be removed. Throws `reference-removed`,
   * `path-being-removed` or `push-needs-catalog`. To be called before each look at the bucket.
   */
  hold(narinfo: Narinfo): Promise<void>;
  /** Whether the PUT of the narinfo may leave now. If not, hold it and look again. */
  isHeld(hash: StorePathHash): boolean;
  /** Resolves once the NAR may be stored or relied on. Throws like `hold`. */
  lease(nar: string): Promise<void>;
}

/** For a cache that removes nothing. */
export const NO_GUARD: RemovalGuard = {
  announce() {},
  async hold() {},
  isHeld: () => true,
  async lease() {},
};

export interface GuardContext {
  readonly catalog: Pick<CatalogPort, "intend" | "lease">;
  readonly clock: Clock;
  /** How long an intent holds; see `RetentionRules`. */
  readonly intentMilliseconds?: number;
}

/** A deletion takes a second. Nix waits 300 s for an answer; people wait less. */
const PATIENCE_MILLISECONDS = 60_000;
/** The first pause. Each is twice as long as the one before: seven questions in a minute. */
const PAUSE_MILLISECONDS = 1_000;

/** One call of the object takes 1 MB. */
const MAX_CALL_CHARACTERS = 1_000_000;

interface Held {
  /** When the call was made that the catalog answered. */
  readonly since: number;
  readonly verdict: Promise<IntentVerdict>;
}

export function createRemovalGuard(context: GuardContext): RemovalGuard {
  const { catalog, clock, intentMilliseconds = RETENTION_RULES.intentMilliseconds } = context;
  const left = new Set<StorePathHash>();
  const held = new Map<StorePathHash, Held>();
  const now = () => clock.now().getTime();

  async function intend(
    narinfos: readonly IntendedNarinfo[],
    alongside: readonly StorePathHash[],
  ): Promise<readonly IntentVerdict[]> {
    const named = new Set(
      narinfos.flatMap(({ references }) => references.map((name) => name.slice(0, 32))),
    );
    const upstream = [...left].filter((hash) => named.has(hash));
    const answer = await ask(async () => await catalog.intend({ narinfos, alongside, upstream }));
    if (answer.status === "answered") return answer.verdicts;
    throw isStarting(answer.retryMilliseconds);
  }

  function send(narinfos: readonly Narinfo[], alongside: readonly StorePathHash[] = []): void {
    const since = now();
    const answers = intend(narinfos.map(toIntended), alongside);
    for (const [index, { storePath }] of narinfos.entries()) {
      const verdict = answers.then((verdicts) => verdicts[index] ?? { kind: "busy" as const });
      verdict.catch(() => {});
      held.set(storePath.hash, { since, verdict });
    }
  }

  const isHeld = (hash: StorePathHash): boolean =>
    now() - (held.get(hash)?.since ?? -Infinity) < intentMilliseconds;

  return {
    announce(narinfos, upstream = []) {
      for (const hash of upstream) left.add(hash);
      const hashes = narinfos.map(({ storePath }) => storePath.hash);
      const kept = narinfos.filter((narinfo) => !isTooWide(narinfo));
      for (const chunk of chunksOf(kept)) send(chunk, hashes);
    },

    async hold(narinfo) {
      const { hash } = narinfo.storePath;
      if (isTooWide(narinfo)) throw new CacheError("too-many-references", hash);
      const pause = createPauses(hash, clock);
      for (;;) {
        if (!isHeld(hash)) send([narinfo]);
        const verdict = await takeVerdict(held, hash);
        if (verdict.kind === "ok" && isHeld(hash)) return;
        if (verdict.kind === "collected") {
          throw new CacheError("reference-removed", hash, {
            subject: `${verdict.references.slice(0, 3).join(", ")}.`,
          });
        }
        held.delete(hash);
        if (verdict.kind === "busy") await pause();
      }
    },

    isHeld,

    async lease(nar) {
      const pause = createPauses(nar, clock);
      for (;;) {
        const { busyNars, retryMilliseconds } = await ask(
          async () => await catalog.lease({ nars: [nar] }),
        );
        if (retryMilliseconds !== undefined) throw isStarting(retryMilliseconds);
        if (!busyNars.includes(nar)) return;
        await pause();
      }
    },
  };
}

/** A path that the catalog cannot keep would stop every collection. */
function isTooWide({ references, storePath }: Narinfo): boolean {
  const others = references.filter(({ hash }) => hash !== storePath.hash);
  return others.length > MAX_CATALOG_REFERENCES;
}

async function ask<T>(question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw new CacheError("push-needs-catalog", "the catalog does not answer", {
      cause: error,
      retryAfterSeconds: 10,
    });
  }
}

/** An answer that failed is not kept: the next look asks again. */
async function takeVerdict(
  held: Map<StorePathHash, Held>,
  hash: StorePathHash,
): Promise<IntentVerdict> {
  try {
    return (await held.get(hash)?.verdict) ?? { kind: "busy" };
  } catch (error) {
    held.delete(hash);
    throw error;
  }
}

function isStarting(retryMilliseconds: number): CacheError {
  return new CacheError("catalog-starting", "the catalog is new", {
    retryAfterSeconds: Math.ceil(retryMilliseconds / 1000),
  });
}

/** Returns what waits before the next question, and throws when it has waited for long enough. */
function createPauses(name: string, clock: Clock): () => Promise<void> {
  let waited = 0;
  let next = PAUSE_MILLISECONDS;
  return async () => {
    if (waited >= PATIENCE_MILLISECONDS) {
      throw new CacheError("path-being-removed", name, { retryAfterSeconds: 60 });
    }
    await clock.sleep(next);
    waited += next;
    next *= 2;
  };
}

function toIntended({ storePath, url, references }: Narinfo): IntendedNarinfo {
  const nar = parseNarUrl(url);
  return {
    path: formatStorePathBaseName(storePath),
    nar: nar.ok ? nar.value.path : undefined,
    references: references.map(formatStorePathBaseName),
  };
}

function* chunksOf(narinfos: readonly Narinfo[]): Generator<readonly Narinfo[]> {
  let chunk: Narinfo[] = [];
  let length = 0;
  for (const narinfo of narinfos) {
    const size = JSON.stringify(toIntended(narinfo)).length + 1;
    if (chunk.length > 0 && length + size > MAX_CALL_CHARACTERS) {
      yield chunk;
      chunk = [];
      length = 0;
    }
    chunk.push(narinfo);
    length += size;
  }
  if (chunk.length > 0) yield chunk;
}
