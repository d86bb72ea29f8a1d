import type { PinRemovedAnswer, PinsAnswer, PinSetAnswer } from "../../../api/answers.ts";
import { type PinRevision, removePinSchema, setPinSchema } from "../../../api/pins.ts";
import {
  formatStorePathBaseName,
  parseStorePathBaseName,
  type StorePath,
} from "../../../nix/store-path.ts";
import { CacheError } from "../../cache-error.ts";
import { removePin, setPin } from "../../pins/change-pin.ts";
import { listPins } from "../../pins/read-pins.ts";
import { admitWriter } from "../admit.ts";
import { askCatalog } from "../ask-catalog.ts";
import { cacheReads, type Exchange, openBucket } from "../exchange.ts";
import { answerJson, malformed, readRequest } from "./api-request.ts";

/** The longest key of S3 has 1,024 bytes. */
const MAX_AFTER_LENGTH = 1024;

/**
 * GET `/api/v1/pins`: a page of the revisions of all pins. Needs the scope push: names of
 * pins and of tokens are the business of the people who push.
 */
export async function readPins(exchange: Exchange): Promise<Response> {
  await admitWriter(exchange, "push");
  const after = new URL(exchange.request.url).searchParams.get("after") ?? undefined;
  if ((after?.length ?? 0) > MAX_AFTER_LENGTH) throw malformed("after is too long");
  const { revisions, unreadable, next } = await listPins(openBucket(exchange), after);
  return answerJson<PinsAnswer>({
    revisions: revisions.map(({ name, revision: { path, at, by, keep } }) => ({
      name,
      path: formatStorePathBaseName(path),
      at: at.toISOString(),
      by,
      keep,
    })),
    unreadable: [...unreadable],
    next: next ?? null,
  });
}

/** POST `/api/v1/pins`: pins a path. Every change of pins is logged, whatever LOG says. */
export async function pinPath(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId } = exchange;
  const { by } = await admitWriter(exchange, "push");
  const { name, path: base, keep } = await readRequest(request, setPinSchema);
  const path = parseStorePathBaseName(base);
  if (!path.ok) throw malformed(`path: ${path.error}`);
  const { storeDir } = cacheReads(exchange);
  const pin = { name, path: path.value, keep, by };
  const now = gateway.clock.now();
  await holdPath(path.value, exchange);
  const { kept, dropped } = await setPin(pin, openBucket(exchange), { storeDir, now });
  gateway.log("info", "pinned", {
    requestId,
    name,
    path: base,
    keep: keep === "forever" ? keep : JSON.stringify(keep),
    by,
    kept,
    ...(dropped.length === 0 ? {} : { dropped: listPaths(dropped) }),
  });
  return answerJson<PinSetAnswer>({ kept, dropped: dropped.length });
}

/**
 * POST `/api/v1/pins/remove`: removes a pin. Needs the scope admin: a stolen push token
 * must not be able to give up what the team keeps.
 */
export async function unpin(exchange: Exchange): Promise<Response> {
  const { gateway, request, requestId } = exchange;
  const { by } = await admitWriter(exchange, "admin");
  const { name } = await readRequest(request, removePinSchema);
  const { removed, rest } = await removePin(name, openBucket(exchange));
  gateway.log("warn", "unpinned", { requestId, name, by, dropped: listPaths(removed), rest });
  return answerJson<PinRemovedAnswer>({ removed: removed.length, rest });
}

/**
 * Keeps the path until the collection reads the pins again. Throws `pin-path-absent` if it is
 * being removed at this moment.
 */
async function holdPath(path: StorePath, exchange: Exchange): Promise<void> {
  if (!exchange.cache.catalog.retention.isCollecting) return;
  const { lostPaths } = await askCatalog(exchange, (catalog) =>
    catalog.lease({ paths: [path.hash] }),
  );
  if (lostPaths.length === 0) return;
  const subject = `${formatStorePathBaseName(path)}.`;
  throw new CacheError("pin-path-absent", "it is being removed, or was", { subject });
}

function listPaths(revisions: readonly PinRevision[]): string {
  return revisions.map(({ path }) => formatStorePathBaseName(path)).join(", ");
}
