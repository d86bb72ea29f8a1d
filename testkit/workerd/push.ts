import { NO_MARKS } from "../../src/worker/absence/publication-marks.ts";
import { createCacheReads } from "../../src/worker/caches/cache-scope.ts";
import type { PushSettings } from "../../src/settings/push-settings.ts";
import { type Edge, noEdge } from "../../src/worker/edge/edge.ts";
import { platformClock } from "../../src/worker/clock.ts";
import { NO_GUARD } from "../../src/worker/ingest/removal-guard.ts";
import { NO_RECORDER } from "../../src/worker/ingest/publication-recorder.ts";
import { createUploadBuffers } from "../../src/worker/ingest/buffer-pool.ts";
import { createIngestMemory, type Push } from "../../src/worker/ingest/push-context.ts";
import { parsePublicKey, parseSecretKey } from "../../src/nix/signature.ts";
import { createFakeProbeFolder, type ProbeFaults } from "../fake-probe-folder.ts";
import { valueOf } from "../value-of.ts";
import { READS } from "./edge.ts";
import { createTestLog, type LoggedLine } from "./log.ts";
import { createMemoryBucket, type MemoryBucket, type MemoryBucketHooks } from "./memory-bucket.ts";

export interface TestPush extends Push {
  readonly bucket: MemoryBucket;
  readonly lines: readonly LoggedLine[];
  /** The paths that the edge was told to forget. */
  readonly forgotten: readonly string[];
  /** The headers by which the bucket was probed. */
  readonly probes: readonly string[];
  /** The paths that the edge was told to drop everywhere. */
  readonly purged: readonly string[];
  /** The same cache, by another push. */
  again(rules?: Partial<PushSettings>): TestPush;
}

export interface TestPushOptions extends MemoryBucketHooks {
  /** The faults that a probe of the bucket finds. Without it, a probe is a fault of the test. */
  readonly probeFaults?: ProbeFaults;
  readonly random?: () => number;
  readonly rules?: Partial<PushSettings>;
}

const DEFAULTS: PushSettings = {
  signingKey: undefined,
  trustedPublicKeys: [],
  onConflict: "keep",
  prove: "file",
};

/** A push into a bucket in memory, which is no other test's. */
export function createPush(options: TestPushOptions = {}): TestPush {
  const bucket = createMemoryBucket(options);
  const { log, lines } = createTestLog();
  const forgotten: string[] = [];
  const probes: string[] = [];
  const purged: string[] = [];
  const edge: Edge = {
    ...noEdge,
    forget: async ({ path }) => void forgotten.push(path),
    async purge(keys) {
      purged.push(...keys.map(({ path }) => path));
      return true;
    },
  };
  const buffers = createUploadBuffers(platformClock);
  const memory = createIngestMemory();
  const pushOf = (rules: Partial<PushSettings>): TestPush => ({
    by: "ci",
    bucket,
    edge,
    openProbe(header) {
      if (options.probeFaults === undefined) throw new Error("a probe that no test expects");
      probes.push(header);
      return createFakeProbeFolder(options.probeFaults);
    },
    probes,
    random: options.random ?? (() => 0.5),
    edgeContext: { waitUntil: () => {}, objects: undefined },
    cache: createCacheReads(READS),
    rules: { ...DEFAULTS, ...rules },
    marks: NO_MARKS,
    recorder: NO_RECORDER,
    guard: NO_GUARD,
    buffers,
    memory,
    // Pauses between looks at the bucket take no time.
    clock: { ...platformClock, sleep: async () => {} },
    log,
    lines,
    forgotten,
    purged,
    again: (others = {}) => pushOf(others),
  });
  return pushOf(options.rules ?? {});
}

export const signingWith = (text: string) => ({ signingKey: valueOf(parseSecretKey(text)) });

export const trusting = (...texts: readonly string[]) => ({
  trustedPublicKeys: texts.map((text) => valueOf(parsePublicKey(text))),
});
