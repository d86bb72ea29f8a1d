import { describe, expect, it } from "vitest";
import { CacheError } from "../../../../src/worker/cache-error.ts";
import { folderOf } from "../../../../src/worker/ingest/direct/direct-upload.ts";
import { sweepIncoming } from "../../../../src/worker/ingest/direct/sweep-incoming.ts";
import { NAR } from "../../../../testkit/workerd/edge.ts";
import { createPush, type TestPush } from "../../../../testkit/workerd/push.ts";

const NOW = new Date("2026-10-20T12:00:00Z");
const daysAgo = (days: number) => new Date(NOW.getTime() - days * 86_400_000);
const INCOMING = `${folderOf(NAR, "ci")}${"0a".repeat(16)}`;

function put({ bucket }: TestPush, path: string, lastModified: Date | undefined): void {
  const bytes = new Uint8Array(10);
  const contentType = "application/x-nix-nar";
  bucket.objects.set(path, {
    bytes,
    contentType,
    ...(lastModified === undefined ? {} : { lastModified }),
  });
}

describe("sweepIncoming", () => {
  it.each([
    { what: "an upload that nobody proved for a week", path: INCOMING, days: 7.1, isKept: false },
    { what: "one that somebody may still prove", path: INCOMING, days: 6.9, isKept: true },
    { what: "one of unknown age", path: INCOMING, days: undefined, isKept: true },
    { what: "what it does not know", path: ".incoming/notes.txt", days: 100, isKept: true },
    { what: "a NAR", path: NAR.path, days: 1000, isKept: true },
  ])("looks at $what: kept is $isKept", async ({ path, days, isKept }) => {
    const push = createPush();
    put(push, path, days === undefined ? undefined : daysAgo(days));
    await sweepIncoming(push, NOW);
    expect(push.bucket.objects.has(path)).toBe(isKept);
  });

  it("looks once an hour", async () => {
    const push = createPush();
    await sweepIncoming(push, NOW);
    await sweepIncoming(push, new Date(NOW.getTime() + 3_599_000));
    expect(push.bucket.calls).toHaveLength(1);
    await sweepIncoming(push, new Date(NOW.getTime() + 3_600_000));
    expect(push.bucket.calls).toHaveLength(2);
  });

  it("fails nothing where the bucket does, and says so in the log", async () => {
    const push = createPush({
      before: (call) => {
        throw new CacheError("bucket-unavailable", call);
      },
    });
    await sweepIncoming(push, NOW);
    expect(push.lines).toMatchObject([{ level: "warn", code: "incoming-not-removed" }]);
  });
});
