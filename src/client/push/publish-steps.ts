import type { Narinfo } from "../../nix/narinfo.ts";
import { formatStorePathBaseName, type StorePathHash } from "../../nix/store-path.ts";
import { readBuildSeconds } from "../local-nix/build-log.ts";
import type { PathInfo } from "../local-nix/path-info.ts";
import type { Progress } from "../progress/progress.ts";
import type { Transfer } from "../progress/transfer-model.ts";
import type { Pending } from "./choose-paths.ts";
import { composeNarinfo, signNarinfo } from "./compose-narinfo.ts";
import { type PackedNar, packNar } from "./pack-nar.ts";
import { createNarinfoPublisher } from "./narinfo-publisher.ts";
import type { PathEnds, PathOutcome } from "./push-report.ts";
import type { PushSession } from "./push-session.ts";
import type { PublishSteps } from "./references-first.ts";
import { readBody } from "../gateway/http-client.ts";
import { sendListing, type SentListing } from "./send-listing.ts";
import { createLogSender } from "./send-logs.ts";
import { spoolDirectory } from "./spool.ts";
import { createNarUploads } from "./upload-nar.ts";

/** A path whose narinfo can be published: its NAR is stored. */
interface Prepared {
  readonly narinfo: Narinfo;
  /** Undefined if only a signature is added. */
  readonly sent: SentNar | undefined;
}

interface SentNar {
  readonly fileSize: number;
  readonly sentBytes: number;
  readonly startedAt: number;
  readonly listing: SentListing;
  /** A small NAR that goes with the narinfo. */
  readonly nar: Buffer | undefined;
}

/**
 * Creates the two steps of a path: first store its NAR as soon as the limits
 * allow, later publish its narinfo. `upstream` has the paths that are left to another cache.
 */
export function createPublishSteps(
  session: PushSession,
  progress: Progress,
  { settle, settleError, settleBlocked }: PathEnds,
  upstream: ReadonlySet<StorePathHash> = new Set(),
): PublishSteps<Pending, Prepared, PathOutcome> {
  const { options, store, limits, guard, context } = session;
  const { storeDir } = store;
  const uploads = createNarUploads(session);
  const publisher = createNarinfoPublisher(session);
  const logs = createLogSender(session, progress);
  /** The bytes of small NARs that wait for the publication of their paths, by path. */
  const waitingBytes = new Map<PathInfo, number>();
  const packing = {
    ...options,
    store,
    memory: limits.memory,
    spoolDirectory: spoolDirectory(context.env),
  };

  async function sendNar({ info }: Pending): Promise<Prepared> {
    const startedAt = context.now().getTime();
    const transfer = progress.start(info.path.name, info.narSize);
    try {
      const nar = await limits.packing.run(async () => {
        checkGoesOn();
        return await packNar(info, packing, context, (bytes) => transfer.packed(bytes));
      });
      const stored = await storeAndClose(info, nar, transfer);
      const sent = { ...stored, fileSize: nar.fileSize, startedAt };
      return { narinfo: composeNarinfo(info, nar, storeDir), sent };
    } finally {
      transfer.end();
    }
  }

  async function storeAndClose(info: PathInfo, nar: PackedNar, transfer: Transfer) {
    const { path } = info;
    // The listing goes beside the NAR, so that it takes no additional round trip.
    const listing = limits.publishing.run(() => sendListing(path.hash, nar.listing, session));
    try {
      if (canWait(nar)) {
        waitingBytes.set(info, nar.fileSize);
        const bytes = await readBody(nar.spool.slice(0, nar.fileSize));
        return { sentBytes: nar.fileSize, listing: await listing, nar: bytes };
      }
      const sentBytes = await uploads.upload(nar, transfer);
      return { sentBytes, listing: await listing, nar: undefined };
    } finally {
      await listing;
      await nar.close();
    }
  }

  /** Whether the NAR goes with its narinfo. It then waits in memory for the references. */
  function canWait({ fileSize }: PackedNar): boolean {
    const limit = session.batches?.maxNarBytes ?? 0;
    return fileSize <= limit && limits.waitingNars.take(fileSize);
  }

  function checkGoesOn(): void {
    context.signal.throwIfAborted();
    guard.check();
  }

  return {
    async prepare(path) {
      const { choice, info } = path;
      if (choice.kind === "sign") return { narinfo: choice.published, sent: undefined };
      const slots = info.narSize > session.partThresholdBytes ? limits.large : limits.requests;
      return await slots.run(async () => {
        checkGoesOn();
        return await sendNar(path);
      });
    },
    async publish({ info }, { narinfo, sent }) {
      const { path, narSize, deriver } = info;
      const { signKey } = options;
      const signed =
        signKey === undefined ? narinfo : await signNarinfo(narinfo, signKey, storeDir);
      checkGoesOn();
      const buildSeconds =
        sent === undefined ? undefined : await readBuildSeconds(info, store, context.env);
      const left = signed.references.map(({ hash }) => hash).filter((hash) => upstream.has(hash));
      const more = { listing: sent?.listing.text, nar: sent?.nar, buildSeconds, upstream: left };
      const outcome = await publisher.publish(signed, more);
      if (outcome === "conflict") {
        const reason = "in the cache with other contents, which it keeps";
        return { kind: "skipped", path, reason, isSuspicious: true };
      }
      if (sent === undefined) {
        const reason = `in the cache; now signed by ${signKey?.name ?? ""}`;
        return { kind: "skipped", path, reason, isSuspicious: false };
      }
      const { fileSize, sentBytes, startedAt, listing } = sent;
      if (listing.problem !== undefined) {
        const name = formatStorePathBaseName(path);
        progress.say(`warning: the listing of ${name} is not sent: ${listing.problem}`);
      }
      const withLog = await limits.publishing.run(() => logs.send(deriver));
      const seconds = (context.now().getTime() - startedAt) / 1000;
      return { kind: "pushed", path, narSize, fileSize, sentBytes, seconds, withLog };
    },
    onEnd({ info }, publication) {
      const { path } = info;
      // Also for a path that failed, or was never published because a reference failed.
      limits.waitingNars.give(waitingBytes.get(info) ?? 0);
      waitingBytes.delete(info);
      switch (publication.outcome) {
        case "published":
          guard.succeeded();
          settle(publication.value);
          break;
        case "failed":
          settleError(path, publication.error);
          break;
        case "blocked":
          settleBlocked(path, publication.needs);
      }
    },
  };
}
