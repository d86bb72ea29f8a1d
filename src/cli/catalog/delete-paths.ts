import { describeError } from "../../client/client-error.ts";
import type { CatalogApi } from "../../client/gateway/catalog-api.ts";
import type { DeletionApi } from "../../client/gateway/deletion-api.ts";
import { toOneLine } from "../../client/plain-text.ts";
import type { ProcessContext } from "../../client/process-context.ts";
import { listingKey, narinfoKey } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { formatCount } from "./path-lines.ts";

interface Apis {
  readonly catalog: Pick<CatalogApi, "readPath">;
  readonly deletion: DeletionApi;
}

/**
 * Deletes paths, in this order: referrers come before what they need. Stops at the first
 * failure, so that no path is left without what it needs. Returns the exit code.
 */
export async function deletePaths(
  hashes: readonly StorePathHash[],
  withNars: boolean,
  { catalog, deletion }: Apis,
  { stdout, stderr, signal }: Pick<ProcessContext, "stdout" | "stderr" | "signal">,
): Promise<number> {
  const nars = new Set<string>();
  const purged: string[] = [];
  let deleted = 0;
  let failure: string | undefined;
  for (const hash of hashes) {
    if (signal.aborted) break;
    try {
      // Once the narinfo is gone, the catalog no longer knows its NAR.
      const nar = withNars ? (await catalog.readPath(hash))?.nar : undefined;
      if (await deletion.remove(narinfoKey(hash).path, false)) deleted++;
      purged.push(narinfoKey(hash).path, listingKey(hash).path);
      if (typeof nar === "string") nars.add(nar);
    } catch (error) {
      failure = describeError(error);
      break;
    }
  }
  let deletedNars = 0;
  for (const nar of nars) {
    try {
      if (await deletion.remove(nar, false)) deletedNars++;
      purged.push(nar);
    } catch (error) {
      // Another path may name it: then it stays.
      stderr.write(`${toOneLine(`${nar} stays: ${describeError(error)}`)}\n`);
    }
  }
  const isPurged = purged.length === 0 || (await deletion.purge(purged));
  stdout.write(
    `${formatCount(deleted)} deleted${withNars ? `, ${deletedNars} of ${nars.size} NARs` : ""}\n`,
  );
  if (!isPurged) {
    stderr.write(
      "Cloudflare refused to drop some of them from the edge, which may keep them: a narinfo for an hour, a NAR for a year. To drop everything, give EDGE_EPOCH another value and deploy.\n",
    );
  }
  if (failure !== undefined) stderr.write(`nargate: ${toOneLine(failure)}\n`);
  return failure === undefined && isPurged ? 0 : 1;
}
