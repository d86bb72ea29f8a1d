import type { StorePathHash } from "../../nix/store-path.ts";
import { detailOf, type Log } from "../log.ts";

/** Collects the paths for which readers caused a request to the bucket, and sends them some at once. */
export interface UseSamples {
  /** Notes a path. Returns at once, and never throws. */
  add(hash: StorePathHash, sending: SampleSending): void;
}

/** How the request that asked for a path can go on after its answer. */
export interface SampleSending {
  send(hashes: readonly StorePathHash[]): Promise<void>;
  waitUntil(promise: Promise<unknown>): void;
}

/** The platform lets a request go on for 30 s after its answer. */
const GATHERING_MILLISECONDS = 20_000;
const MAX_HASHES = 500;

/**
 * Creates the samples of one isolate. The first path opens a window, and its request sends what
 * the window has gathered: an isolate may end without notice, so nothing may wait for a later
 * request. What is lost is a sample: the edge asks the bucket again within an hour.
 */
export function createUseSamples(
  sleep: (milliseconds: number) => Promise<void>,
  log: Log,
): UseSamples {
  let gathered = new Set<StorePathHash>();

  async function flush(send: SampleSending["send"]): Promise<void> {
    const hashes = [...gathered];
    gathered = new Set();
    if (hashes.length === 0) return;
    try {
      await send(hashes);
    } catch (error) {
      const detail = detailOf(error);
      log("warn", "uses-not-noted", { paths: hashes.length, detail });
    }
  }

  return {
    add(hash, { send, waitUntil }) {
      gathered.add(hash);
      if (gathered.size >= MAX_HASHES) return waitUntil(flush(send));
      if (gathered.size > 1) return;
      waitUntil(sleep(GATHERING_MILLISECONDS).then(() => flush(send)));
    },
  };
}
