import { narinfoKey } from "../../nix/object-key.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { describeError } from "../client-error.ts";
import { type CacheClient, refusalOf } from "../gateway/cache-client.ts";
import type { ProcessContext } from "../process-context.ts";
import { keepsItsName } from "../prove/file-hash.ts";
import { proveNar } from "../prove/prove-nar.ts";
import type { PathFinding } from "./judge-narinfo.ts";
import { narPathOf } from "./nar-table.ts";
import type { StoredPaths } from "./stored-paths.ts";

/** What happened to a path that was to be unpublished. */
export interface RepairOutcome {
  readonly hash: StorePathHash;
  readonly path: string | undefined;
  /** `ready` stands for `unpublished` in a dry run. `kept`: another look found no such fault. */
  readonly status: "unpublished" | "ready" | "kept" | "failed";
  readonly says: string;
}

export interface RepairSession {
  /** Reads the bucket, not the edge. */
  readonly paths: StoredPaths;
  readonly client: CacheClient;
  readonly isDryRun: boolean;
}

/**
 * Whether no client can use the path, and a push would not replace it: its NAR is gone, or
 * was unpacked and is something else. Such a path may be unpublished.
 */
export function canBeUnpublished({ verdict }: Pick<PathFinding, "verdict">): boolean {
  return verdict === "nar-gone" || verdict === "wrong-contents";
}

/**
 * Deletes the narinfos of broken paths through the gateway, so that clients do without them
 * and the next push publishes them anew. Looks at each path again right before, and unpacks
 * its NAR again. One at a time, because the edge takes few purges.
 */
export async function* unpublishPaths(
  findings: Iterable<Pick<PathFinding, "hash" | "path">>,
  session: RepairSession,
  context: ProcessContext,
): AsyncGenerator<RepairOutcome, void> {
  for (const { hash, path } of findings) {
    context.signal.throwIfAborted();
    try {
      yield { hash, path, ...(await unpublish(hash, session, context)) };
    } catch (error) {
      context.signal.throwIfAborted();
      yield { hash, path, status: "failed", says: describeError(error) };
    }
  }
}

async function unpublish(
  hash: StorePathHash,
  session: RepairSession,
  context: ProcessContext,
): Promise<Pick<RepairOutcome, "status" | "says">> {
  const { paths, client, isDryRun } = session;
  const narinfo = await paths.read(hash);
  if (narinfo === undefined) return { status: "kept", says: "its narinfo is gone by now" };
  if (narinfo === "unreadable") return { status: "kept", says: "its narinfo cannot be read" };
  const fault = await findFault(narinfo, paths, context);
  if (fault === undefined) return { status: "kept", says: "its NAR is sound by now" };
  const { says, falseNar } = fault;
  const also = falseNar === undefined ? "" : `; ${falseNar} ${isDryRun ? "goes" : "went"} too`;
  if (isDryRun) return { status: "ready", says: says + also };
  // The narinfo goes first: no reader may find a narinfo whose NAR is gone.
  // Forced, because clients cannot use the path: what needs it is broken already.
  await remove(narinfoKey(hash).path, client);
  if (falseNar !== undefined) await remove(falseNar, client);
  return { status: "unpublished", says: says + also };
}

interface Fault {
  readonly says: string;
  /**
   * The path of a NAR whose bytes do not hash to its name. It must go too: a push would take
   * it for the right one, because it has the name.
   */
  readonly falseNar: string | undefined;
}

async function findFault(
  narinfo: Narinfo,
  paths: StoredPaths,
  context: ProcessContext,
): Promise<Fault | undefined> {
  const { verdict } = await paths.findNar(narinfo);
  if (verdict === "MISSING") return { says: "its NAR is gone", falseNar: undefined };
  if (verdict !== "there" && verdict !== "WRONG SIZE") return undefined;
  const proof = await proveNar(narinfo, paths, context);
  if (proof.verdict !== "wrong-contents") return undefined;
  const isFalse = !(await keepsItsName(narinfo, paths));
  return { says: proof.says, falseNar: isFalse ? narPathOf(narinfo) : undefined };
}

/** Deletes an object, whatever needs it. Succeeds if it does not exist. */
async function remove(path: string, client: CacheClient): Promise<void> {
  const answer = await client.send({ method: "DELETE", target: `${path}?force=true` });
  // 404 also follows an attempt whose answer was lost.
  if (answer.status !== 204 && answer.status !== 404) throw refusalOf(path, answer);
}
