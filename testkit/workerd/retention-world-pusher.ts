import { parseNarinfo } from "../../src/nix/narinfo.ts";
import type { StorePathHash } from "../../src/nix/store-path.ts";
import { CacheError } from "../../src/worker/cache-error.ts";
import type { CatalogPort } from "../../src/worker/catalog/catalog.ts";
import { createRemovalGuard, type RemovalGuard } from "../../src/worker/ingest/removal-guard.ts";
import { HOUR, MINUTE, SECOND, type WorldDice } from "./retention-dice.ts";
import {
  closureOf,
  WORLD_PATHS,
  type WorldBucket,
  type WorldPath,
  worldText,
} from "./retention-world-bucket.ts";

/** How long Nix believes that a narinfo exists: shorter than in reality, as the rules are. */
export const CLIENT_MEMORY = 54 * HOUR;
/** How long an edge gives out a narinfo at most. */
const EDGE_MEMORY = 25 * HOUR;

export interface PusherOptions {
  readonly catalog: Pick<CatalogPort, "intend" | "lease" | "note">;
  readonly bucket: WorldBucket;
  readonly intentMilliseconds: number;
  /** Whether the gateway leases what it tells the pusher of. */
  readonly leases: boolean;
  /** Whether notes may be lost. */
  readonly losesNotes: boolean;
  /** The edge in front of all pushers. */
  readonly edge: Map<StorePathHash, number>;
}

/** Copies closures as `nix copy` does, with what Nix keeps on its disk. */
export interface WorldPusher {
  /** Throws a `CacheError` if the copy ends early. */
  copy(root: WorldPath): Promise<void>;
}

export function createWorldPusher(dice: WorldDice, options: PusherOptions): WorldPusher {
  const { time, between, chance, pick } = dice;
  const { catalog, bucket, leases } = options;
  /** Until when Nix believes that a path is there. */
  const disk = new Map<StorePathHash, number>();
  const now = () => time.now();
  const signature = () => Math.floor(between(0, 10));

  async function isTold({ hash }: WorldPath): Promise<boolean> {
    if ((options.edge.get(hash) ?? 0) > now()) return true;
    if ((await bucket.look(`${hash}.narinfo`)) === undefined) return false;
    options.edge.set(hash, now() + (chance(0.8) ? HOUR : EDGE_MEMORY));
    return true;
  }

  async function findMissing(root: WorldPath): Promise<readonly WorldPath[]> {
    const missing: WorldPath[] = [];
    const isRefreshing = chance(0.2);
    for (const path of closureOf(root)) {
      if (!isRefreshing && (disk.get(path.hash) ?? 0) > now()) continue;
      if (!(await isTold(path))) {
        missing.push(path);
        continue;
      }
      disk.set(path.hash, now() + CLIENT_MEMORY);
      if (leases) await catalog.lease({ paths: [path.hash] }).catch(() => {});
    }
    return missing;
  }

  async function storeNar(nar: string, guard: RemovalGuard): Promise<void> {
    if ((await bucket.look(nar)) !== undefined) {
      // Beside the answer to the HEAD.
      if (leases) guard.lease(nar).catch(() => {});
      return await time.sleep(chance(0.1) ? between(0, 10 * MINUTE) : between(0, SECOND));
    }
    await guard.lease(nar);
    if (chance(0.1)) {
      // A signed upload: it is leased at its signing, and again before its copy.
      await time.sleep(between(0, 6 * HOUR));
      await guard.lease(nar);
    }
    for (let attempt = 1; ; attempt++) {
      try {
        return await bucket.put(nar, new Uint8Array(1));
      } catch (error) {
        if (attempt === 3) throw error;
      }
    }
  }

  async function publish(path: WorldPath, guard: RemovalGuard): Promise<void> {
    const nar = pick(path.nars);
    await storeNar(nar, guard);
    const text = worldText(path, nar, signature());
    const narinfo = parseNarinfo(text, "/nix/store");
    if (!narinfo.ok) throw new Error(narinfo.error);
    for (let attempt = 1; attempt <= 5; attempt++) {
      await guard.hold(narinfo.value);
      const [published, stored] = await Promise.all([
        bucket.look(`${path.hash}.narinfo`),
        bucket.look(nar),
      ]);
      // A published text stays, and gains a signature.
      if (published !== undefined && (attempt > 1 || chance(0.5))) return;
      if (published === undefined && stored === undefined) throw new CacheError("nar-absent", nar);
      const next =
        published === undefined
          ? text
          : new TextDecoder().decode(published.bytes).replace(/key-\d/, `key-${signature()}`);
      await time.sleep(chance(0.15) ? between(0, 12 * MINUTE) : between(0, SECOND));
      if (!guard.isHeld(path.hash)) continue;
      const isAnswered = await bucket
        .put(`${path.hash}.narinfo`, new TextEncoder().encode(next) as Uint8Array<ArrayBuffer>)
        .then(
          () => true,
          () => false,
        );
      if (!isAnswered) continue;
      if (!options.losesNotes || chance(0.8)) void tell(path, next);
      return;
    }
  }

  async function tell({ hash }: WorldPath, text: string): Promise<void> {
    await time.sleep(between(0, 10 * SECOND));
    await catalog.note({ by: "ci", narinfos: [{ hash, text }] }).catch(() => {});
  }

  return {
    async copy(root) {
      const { intentMilliseconds } = options;
      const clock = { now: () => new Date(now()), sleep: time.sleep };
      const guard = createRemovalGuard({ catalog, clock, intentMilliseconds });
      for (const path of await findMissing(root)) {
        await publish(path, guard);
        disk.set(path.hash, now() + CLIENT_MEMORY);
        await time.sleep(chance(0.1) ? between(0, 20 * MINUTE) : between(0, 5 * SECOND));
      }
    },
  };
}

/** Pushes now and then, and soon after a deletion. `wakers` are called at each deletion. */
export async function keepPushing(
  dice: WorldDice,
  pusher: WorldPusher,
  wakers: Set<() => void>,
  onFailure: (code: string) => void,
): Promise<never> {
  const { time, between, chance, pick, say } = dice;
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<void>();
    const hurry = (): void => {
      // A push that meets a deletion is what this is about.
      if (!chance(0.5)) return;
      const soon = chance(0.5) ? between(0, SECOND) : between(0, 20 * MINUTE);
      void time.sleep(soon).then(resolve);
    };
    wakers.add(hurry);
    void time.sleep(between(HOUR, 40 * HOUR)).then(resolve);
    await promise;
    wakers.delete(hurry);
    const root = pick(WORLD_PATHS);
    say(`a push of ${root.hash[0]}`);
    await pusher.copy(root).catch((error: unknown) => {
      const code = error instanceof CacheError ? error.code : String(error);
      say(`the push ends: ${code}`);
      onFailure(code);
    });
  }
}
