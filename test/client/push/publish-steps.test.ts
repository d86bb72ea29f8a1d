import { createHash } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { formatFileNar } from "../../../src/client/local-nix/format-file-nar.ts";
import type { Progress } from "../../../src/client/progress/progress.ts";
import { createPublishSteps } from "../../../src/client/push/publish-steps.ts";
import { createPushLimits } from "../../../src/client/push/push-limits.ts";
import type { PushSession } from "../../../src/client/push/push-session.ts";
import { createStopGuard } from "../../../src/client/push/stop-guard.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const BASE_NAME = `${"a".repeat(32)}-thing`;
const WAITING_BYTES = 16 * 1024 * 1024;

/** Takes a small path whose NAR waits for its narinfo through `prepare`. */
async function prepareOne() {
  const directory = await temporaryDirectory();
  await mkdir(path.join(directory, "store"));
  await writeFile(path.join(directory, "store", BASE_NAME), "text");
  const nar = formatFileNar("text");
  const info = {
    path: valueOf(parseStorePathBaseName(BASE_NAME)),
    narHash: { algorithm: "sha256", bytes: createHash("sha256").update(nar).digest() },
    narSize: nar.byteLength,
    references: [],
    deriver: undefined,
    signatures: [],
    contentAddress: undefined,
    isUltimate: true,
  } as const;
  const limits = createPushLimits();
  const session: Partial<PushSession> = {
    limits,
    guard: createStopGuard(),
    context: createTestContext({ cwd: directory, env: { TMPDIR: directory } }),
    options: { compression: "zstd", compressionLevel: 3, withListing: false } as never,
    store: { url: undefined, storeDir: "/nix/store", directory: path.join(directory, "store") },
    partThresholdBytes: WAITING_BYTES,
    batches: {
      narinfosAtOnce: 6,
      maxNarBytes: 16_384,
      findMissing: async () => new Set(),
      publish: async () => {},
    },
  };
  const transfer = { packed() {}, sending() {}, sent() {}, checking() {}, end() {} };
  const progress = { start: () => transfer, say() {} } as unknown as Progress;
  const ends = { settle() {}, settleError() {}, settleBlocked() {} };
  const steps = createPublishSteps(session as PushSession, progress, ends);
  const pending = { id: BASE_NAME, references: [], info, choice: { kind: "push" } } as const;
  const prepared = await steps.prepare(pending);
  return { limits, steps, pending, prepared };
}

describe("createPublishSteps", () => {
  it.each([
    { what: "failed", end: { outcome: "failed", error: new Error("no") } },
    { what: "waits for a reference that failed", end: { outcome: "blocked", needs: "other" } },
  ] as const)("frees the memory of a small NAR whose path $what", async ({ end }) => {
    const { limits, steps, pending, prepared } = await prepareOne();
    expect(prepared.sent?.nar?.byteLength).toBeGreaterThan(0);
    expect(limits.waitingNars.take(WAITING_BYTES)).toBe(false);
    steps.onEnd(pending, end);
    expect(limits.waitingNars.take(WAITING_BYTES)).toBe(true);
    expect(limits.waitingNars.take(1)).toBe(false);
  });
});
