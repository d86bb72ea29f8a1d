import type { StorePathHash } from "../../nix/store-path.ts";
import type { CatalogQueries } from "./queries/catalog-queries.ts";
import type {
  BegunDeletion,
  IntentAnswer,
  Intentions,
  LeaseAnswer,
  Leases,
  PlannedPath,
  PlanPage,
  RetentionStatus,
  WhyAnswer,
} from "./retention/retention-port.ts";

/**
 * The memory of one cache, as the gateway asks it. The object behind it may be of an
 * older or newer version for some minutes after a deployment: methods gain optional
 * fields, and lose none. Each call is a round trip to one place on earth, so no public
 * read makes one (law 6).
 */
export interface CatalogPort extends CatalogQueries {
  /** Tells of narinfos that one request has published. */
  note(publications: Publications): Promise<void>;
  /** Tells of narinfos that were deleted. */
  noteDeleted(hashes: readonly StorePathHash[]): Promise<void>;
  /**
   * Begins the deletion of a path by a person, unless others need it. Until `endDeletion`, or
   * for ten minutes, nothing may rely on it. With COLLECT=on only.
   */
  beginDeletion(hash: StorePathHash): Promise<BegunDeletion>;
  /** Tells that the bucket has answered the one request of a deletion. */
  endDeletion(hash: StorePathHash, heldUntil: number): Promise<void>;
  readStatus(): Promise<CatalogStatus>;
  /** Compares the catalog with the bucket from the beginning, without waiting for the end. */
  relist(): Promise<void>;
  /**
   * Announces narinfos before their NARs are looked at and before anything is written. From
   * now on no NAR and no path that they name is removed. Each PUT leaves within
   * `intentMilliseconds`, or the narinfo is announced again. With COLLECT=on only.
   */
  intend(intentions: Intentions): Promise<IntentAnswer>;
  /**
   * Keeps NARs and paths for a push that relies on them. Returns the NARs that are being
   * deleted: nothing may be stored under their names.
   */
  lease(leases: Leases): Promise<LeaseAnswer>;
  /** Notes that clients have asked for these paths. */
  noteUsed(hashes: readonly StorePathHash[]): Promise<void>;
  /** Begins to work out what is not kept; with COLLECT=on a run then removes it. */
  collect(order: { readonly kind: "plan" | "run"; readonly by: string }): Promise<RetentionStatus>;
  readRetention(): Promise<RetentionStatus>;
  /** Returns a page of the paths that the last plan would remove, or would keep. */
  readPlan(page: PlanPage): Promise<readonly PlannedPath[]>;
  /** Says why a path is kept. */
  why(hash: StorePathHash): Promise<WhyAnswer>;
}

export type {
  IntendedNarinfo,
  IntentVerdict,
  RetentionStatus,
  RunReport,
} from "./retention/retention-port.ts";

/** The methods that the object answers. Of an older version it may lack some. */
export const CATALOG_METHODS = Object.keys({
  note: true,
  noteDeleted: true,
  beginDeletion: true,
  endDeletion: true,
  readStatus: true,
  relist: true,
  listPaths: true,
  searchPaths: true,
  readPath: true,
  readClosure: true,
  readDependents: true,
  findReferrers: true,
  findNarUsers: true,
  readStats: true,
  findMissing: true,
  noteUsed: true,
  intend: true,
  lease: true,
  collect: true,
  readRetention: true,
  readPlan: true,
  why: true,
} satisfies Record<keyof CatalogPort, true>) as readonly (keyof CatalogPort)[];

/** The object of one catalog, across the network. */
export interface CatalogObject {
  call(method: keyof CatalogPort, args: readonly unknown[]): Promise<unknown>;
}

/** The platform's `ctx.exports.Catalog`. */
export interface CatalogNamespace {
  getByName(name: string, options?: { readonly locationHint?: string }): CatalogObject;
}

/** The narinfos of one request, and who sent it. */
export interface Publications {
  /** The name of the token, or of the identity of an OIDC token. */
  readonly by: string;
  readonly claims?: Readonly<Record<string, string>> | undefined;
  readonly narinfos: readonly PublishedText[];
}

export interface PublishedText {
  readonly hash: StorePathHash;
  /** The narinfo as it is in the bucket. */
  readonly text: string;
  readonly buildSeconds?: number | undefined;
}

/** How much the catalog knows. Times are milliseconds since 1970. */
export interface CatalogStatus {
  /** When the first listing ended. `undefined`: the catalog does not know everything yet. */
  readonly completeAt: number | undefined;
  /** When the last listing began, of those that ended. It saw every write before this time. */
  readonly listedFrom: number | undefined;
  /** How far the listing is that runs now: a share of its paths from 0 to 1. */
  readonly listing: { readonly phase: "narinfos" | "nars"; readonly done: number } | undefined;
  /** Why the last step failed: a code of `api/failures`. */
  readonly failure: string | undefined;
  readonly paths: number;
  /** The sum of the NarSizes of all paths. */
  readonly narBytes: number;
  /** The NARs in the bucket by the last listing, and their bytes as stored. */
  readonly storedNars: number | undefined;
  readonly storedBytes: number | undefined;
  /** Narinfos that the gateway cannot read. */
  readonly unreadable: number;
  readonly databaseBytes: number;
}

/**
 * Whether Cloudflare refused a query because the rows or the space of the plan are used up.
 * The text is that of the platform ("Exceeded allowed rows written in Durable Objects free
 * tier."); across the network only the text of an error arrives.
 */
export function isOverLimit(error: unknown): boolean {
  return (
    error instanceof Error && /free tier|free plan|SQLITE_FULL|disk is full/i.test(error.message)
  );
}
