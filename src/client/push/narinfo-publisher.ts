import { isTransientStatus, retryPauseMilliseconds } from "../../http/retry.ts";
import { formatNarinfo, type Narinfo } from "../../nix/narinfo.ts";
import { ClientError } from "../client-error.ts";
import { type BatchApi, isWithoutBatches } from "../gateway/batch-api.ts";
import { Unreachable } from "../gateway/http-client.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import { bytesBody, textBody } from "../gateway/http-client.ts";
import type { PushSession } from "./push-session.ts";
import { putListing } from "./send-listing.ts";
import { putNarinfo } from "./upload-nar.ts";

/** Publishes narinfos: one by one, or several in one request. */
export interface NarinfoPublisher {
  /**
   * Resolves once the narinfo is durable. If the path is published already, this adds the
   * signatures; otherwise `listing` is stored with it. `nar` is stored first. Returns
   * "conflict" if the cache says that it has the path with other contents, which it keeps.
   */
  publish(narinfo: Narinfo, more?: WithNarinfo): Promise<"conflict" | undefined>;
}

/** Small objects that go with a narinfo. */
export interface WithNarinfo {
  readonly listing?: string | undefined;
  /** The NAR file, if it is not stored yet. */
  readonly nar?: Buffer | undefined;
  /** How long the build took. Only a batch carries it. */
  readonly buildSeconds?: number | undefined;
  /** References that are left to another cache. Only a batch can tell the gateway of them. */
  readonly upstream?: readonly StorePathHash[] | undefined;
}

type PublishSession = Pick<PushSession, "client" | "batches" | "limits" | "context">;

/** Creates the publisher that the gateway allows: an older gateway takes no batches. */
export function createNarinfoPublisher(session: PublishSession): NarinfoPublisher {
  const { batches, limits } = session;
  const put: PublishOne = async ({ path: hash, narinfo: text, url, listing, nar }) =>
    await limits.publishing.run(async () => {
      if (nar !== undefined) await session.client.put(url, NAR_TYPE, bytesBody(nar));
      if (listing !== undefined) await putListing(hash, textBody(listing), session);
      await putNarinfo(hash, text, session);
      return undefined;
    });
  const inBatches = batches === undefined ? undefined : createBatches(batches, put, session);
  return {
    async publish(narinfo, more = {}) {
      const { url, storePath } = narinfo;
      const text = formatNarinfo(narinfo);
      const one = { path: storePath.hash, narinfo: text, url, ...more };
      const isAlone = inBatches === undefined || text.length > LARGE_CHARACTERS;
      return await (isAlone ? put(one) : inBatches(one));
    },
  };
}

/** A narinfo with some thousand references goes alone, so that each batch stays small. */
const LARGE_CHARACTERS = 64 * 1024;

/**
 * How long the first narinfo of a batch waits for others. Each level of a closure waits so
 * long, so this is less than a round trip to the bucket and back.
 */
const GATHERING_MILLISECONDS = 30;

/** Requests that publish at once. More would only wait for each other at the bucket. */
const CALLS_AT_ONCE = 8;

/** How often a narinfo is sent if each answer reports a passing failure, or is cut. */
const ATTEMPTS = 6;

interface ToPublish extends WithNarinfo {
  readonly path: StorePathHash;
  readonly narinfo: string;
  /** The name of the NAR. */
  readonly url: string;
}

/** Publishes a narinfo. The answer to a PUT does not say whether there is a conflict. */
type PublishOne = (one: ToPublish) => Promise<"conflict" | undefined>;

const NAR_TYPE = "application/x-nix-nar";

interface Waiting extends ToPublish {
  /** The times that it was sent without success. */
  attempts: number;
  succeed(outcome: "conflict" | undefined): void;
  fail(error: unknown): void;
}

/**
 * Returns a function that publishes a narinfo together with others that come at the same
 * time. `put` publishes one by itself.
 */
function createBatches(api: BatchApi, put: PublishOne, { context }: PublishSession): PublishOne {
  const queue: Waiting[] = [];
  let calls = 0;
  let isGathering = false;

  function gather(): void {
    if (queue.length >= api.narinfosAtOnce) return flush();
    if (isGathering) return;
    isGathering = true;
    setTimeout(() => {
      isGathering = false;
      flush();
    }, GATHERING_MILLISECONDS);
  }

  function flush(): void {
    while (calls < CALLS_AT_ONCE && queue.length > 0) {
      calls++;
      void send(queue.splice(0, api.narinfosAtOnce)).finally(() => {
        calls--;
        flush();
      });
    }
  }

  /** Never throws: each narinfo of the batch succeeds, fails, or is queued again. */
  async function send(batch: readonly Waiting[]): Promise<void> {
    const left = new Map<string, Waiting>(batch.map((waiting) => [waiting.path, waiting]));
    const passing = new Map<string, Error>();
    let broken: Error | undefined;
    try {
      const lines = batch.map(({ path, narinfo, listing, nar, buildSeconds, upstream = [] }) => ({
        path,
        narinfo,
        ...(upstream.length === 0 ? {} : { upstreamReferences: [...upstream] }),
        ...(listing === undefined ? {} : { listing }),
        ...(buildSeconds === undefined ? {} : { buildSeconds }),
        ...(nar === undefined ? {} : { nar: nar.toString("base64") }),
      }));
      await api.publish(lines, (end) => {
        const { hash, refusal } = end;
        const waiting = left.get(hash);
        if (waiting === undefined) return;
        if (refusal !== undefined && isTransientStatus(refusal.status)) {
          passing.set(hash, refusal);
          return;
        }
        left.delete(hash);
        // In the minutes of a deployment an older gateway may answer, which ignores the NAR.
        const isIgnored = refusal?.code === "nar-absent" && waiting.nar !== undefined;
        if (isIgnored) put(waiting).then(waiting.succeed, waiting.fail);
        else if (refusal === undefined) {
          waiting.succeed(end.outcome === "conflict" ? "conflict" : undefined);
        } else waiting.fail(refusal);
      });
    } catch (error) {
      if (isWithoutBatches(error)) {
        for (const waiting of batch) put(waiting).then(waiting.succeed, waiting.fail);
        return;
      }
      const isCut = error instanceof Unreachable && left.size < batch.length;
      // Publishing is idempotent: what was published in between is published again as "kept".
      if (!isCut) return left.forEach((waiting) => waiting.fail(error));
      broken = error;
    }
    await sendAgain(left, passing, broken, left.size < batch.length);
  }

  /** Queues again what has no end. A narinfo that the gateway only left out has lost no attempt. */
  async function sendAgain(
    left: ReadonlyMap<string, Waiting>,
    passing: ReadonlyMap<string, Error>,
    broken: Error | undefined,
    hasProgress: boolean,
  ): Promise<void> {
    if (left.size === 0) return;
    const again: Waiting[] = [];
    for (const waiting of left.values()) {
      const failure = passing.get(waiting.path) ?? broken;
      if (failure !== undefined || !hasProgress) waiting.attempts++;
      if (waiting.attempts < ATTEMPTS) again.push(waiting);
      else waiting.fail(failure ?? new ClientError("the cache publishes none of the narinfos"));
    }
    const attempts = Math.max(0, ...again.map((waiting) => waiting.attempts));
    try {
      if (attempts > 0) {
        await context.sleep(retryPauseMilliseconds(attempts, undefined, context.random));
      }
    } catch (error) {
      return again.forEach((waiting) => waiting.fail(error));
    }
    queue.unshift(...again);
  }

  return (one) =>
    new Promise((succeed, fail) => {
      queue.push({ ...one, attempts: 0, succeed, fail });
      gather();
    });
}
