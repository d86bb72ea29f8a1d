import { firstRow, type Sql } from "./sql.ts";

/** Facts about the whole catalog. Times are milliseconds since 1970. */
export interface Meta {
  readonly schema: number;
  /** When the first listing of the bucket ended. Before that the catalog does not know everything. */
  readonly completeAt: number;
  /** When the last listing that ended began, and when it ended. */
  readonly listedFrom: number;
  readonly listedAt: number;
  /** The number of published paths, and the sum of their NarSizes in bytes. */
  readonly paths: number;
  readonly narBytes: number;
  /** The NARs in the bucket and their bytes, by the last listing. */
  readonly storedNars: number;
  readonly storedBytes: number;
  /** The state of the listing that runs, as JSON; see `fill-step.ts`. Empty if none runs. */
  readonly listing: string;
  /** The steps of the listing that failed one after the other, and the code of the last failure. */
  readonly failures: number;
  readonly failure: string;
  readonly nextStepAt: number;
  /** When this catalog was made. */
  readonly bornAt: number;
  /** Since when all pushes announce their narinfos. 0 while COLLECT is off. */
  readonly collectsSince: number;
  /** The deployment of the worker that ran last. */
  readonly deployment: string;
  /** No path counts as older than this: something was written past the gateway. */
  readonly usedFloor: number;
  /** Why the pins could not be read. Empty if they could. */
  readonly pinProblem: string;
  /** The collection that runs, and the last one that ended, as JSON; see `retention/`. */
  readonly run: string;
  readonly lastRun: string;
  /** The `listedFrom` for which the last scheduled run began. */
  readonly ranFor: number;
}

export function readMeta<Key extends keyof Meta>(sql: Sql, key: Key): Meta[Key] | undefined {
  return firstRow<{ value: string | number }>(sql, "SELECT value FROM meta WHERE key = ?", key)
    ?.value as Meta[Key] | undefined;
}

export function writeMeta<Key extends keyof Meta>(sql: Sql, key: Key, value: Meta[Key]): void {
  sql.all("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = ?2", key, value);
}

/** Adds to a number. A SUM over all paths would read every row. */
export function addToMeta(sql: Sql, key: "paths" | "narBytes", amount: number): void {
  if (amount !== 0) writeMeta(sql, key, (readMeta(sql, key) ?? 0) + amount);
}
