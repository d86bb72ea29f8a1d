import type { ReadConfig, WriteConfig } from "../../src/settings/config.ts";
import { type Edge, noEdge } from "../../src/worker/edge/edge.ts";
import { createBufferPool } from "../../src/worker/ingest/buffer-pool.ts";
import type { Push } from "../../src/worker/ingest/ingest.ts";
import { parsePublicKey, parseSecretKey } from "../../src/nix/signature.ts";
import { valueOf } from "../value-of.ts";
import { READS } from "./edge.ts";
import { createTestLog, type LoggedLine } from "./log.ts";
import { createMemoryBucket, type MemoryBucket, type MemoryBucketHooks } from "./memory-bucket.ts";

export interface TestPush extends Push {
  readonly bucket: MemoryBucket;
  readonly lines: readonly LoggedLine[];
  /** The paths that the edge was told to forget. */
  readonly forgotten: readonly string[];
  /** The same cache, by another push. */
  again(writes?: Partial<WriteConfig>): TestPush;
}

export interface TestPushOptions extends MemoryBucketHooks {
  readonly writes?: Partial<WriteConfig>;
}

const DEFAULTS: WriteConfig = {
  signingKey: undefined,
  trustedPublicKeys: [],
  onConflict: "keep",
};

/** A push into a bucket in memory, which is no other test's. */
export function createPush(options: TestPushOptions = {}): TestPush {
  const bucket = createMemoryBucket(options);
  const { log, lines } = createTestLog();
  const forgotten: string[] = [];
  const edge: Edge = { ...noEdge, forget: async ({ path }) => void forgotten.push(path) };
  const reads: ReadConfig = {
    ...READS,
    bucket: { ...READS.bucket, bucket: crypto.randomUUID() },
  };
  const pool = createBufferPool((milliseconds) => scheduler.wait(milliseconds));
  const pushOf = (writes: Partial<WriteConfig>): TestPush => ({
    by: "ci",
    bucket,
    edge,
    reads,
    writes: { ...DEFAULTS, ...writes },
    pool,
    log,
    lines,
    forgotten,
    again: (others = {}) => pushOf(others),
  });
  return pushOf(options.writes ?? {});
}

export const signingWith = (text: string) => ({ signingKey: valueOf(parseSecretKey(text)) });

export const trusting = (...texts: readonly string[]) => ({
  trustedPublicKeys: texts.map((text) => valueOf(parsePublicKey(text))),
});
