import { describe, expect, it } from "vitest";
import { CacheRefusal } from "../../../src/client/gateway/cache-client.ts";
import { Unreachable } from "../../../src/client/gateway/http-client.ts";
import {
  formatPushJson,
  formatPushSummary,
  hasFailed,
  type PathOutcome,
} from "../../../src/client/push/push-report.ts";
import { createSemaphore } from "../../../src/client/push/push-limits.ts";
import { createStopGuard, Stopped } from "../../../src/client/push/stop-guard.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";

function pathOf(name: string) {
  const parsed = parseStorePathBaseName(`${"a".repeat(32)}-${name}`);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

function fullPath(name: string): string {
  return `/nix/store/${"a".repeat(32)}-${name}`;
}

const OUTCOMES: readonly PathOutcome[] = [
  { kind: "pushed", path: pathOf("x"), narSize: 9000, fileSize: 2048, sentBytes: 2048, seconds: 1 },
  {
    kind: "pushed",
    path: pathOf("y"),
    narSize: 9000,
    fileSize: 2048,
    sentBytes: 0,
    seconds: 1,
  },
  { kind: "skipped", path: pathOf("s"), reason: "in the cache", isSuspicious: false },
  { kind: "skipped", path: pathOf("t"), reason: "in the cache", isSuspicious: false },
  { kind: "skipped", path: pathOf("u"), reason: "signed by k", isSuspicious: false },
  { kind: "failed", path: pathOf("f"), message: "no" },
  { kind: "untried", path: pathOf("n") },
];

describe("formatPushSummary", () => {
  it("counts everything in one line, and says why it stopped in another", () => {
    const report = { outcomes: OUTCOMES, seconds: 4.2, stopped: "401 no" };
    expect(formatPushSummary(report)).toEqual([
      "2 paths pushed (2.0 KiB sent), 3 skipped (2 in the cache, 1 signed by k), 1 failed, 1 not tried in 4.2 s",
      "stopped: 401 no",
    ]);
    expect(hasFailed(report)).toBe(true);
  });

  it("leaves out what there is none of", () => {
    const report = { outcomes: [], seconds: 0.1, stopped: undefined };
    expect(formatPushSummary(report)).toEqual(["0 paths pushed (0 B sent) in 0.1 s"]);
    expect(hasFailed(report)).toBe(false);
  });
});

describe("formatPushJson", () => {
  it("tells machines of every path", () => {
    const json = formatPushJson(
      { outcomes: OUTCOMES, seconds: 4.2, stopped: undefined },
      "/nix/store",
    );
    expect(json).not.toContain("\n");
    expect(JSON.parse(json)).toEqual({
      pushed: [
        { path: fullPath("x"), narSize: 9000, fileSize: 2048, sentBytes: 2048, seconds: 1 },
        { path: fullPath("y"), narSize: 9000, fileSize: 2048, sentBytes: 0, seconds: 1 },
      ],
      skipped: [
        { path: fullPath("s"), reason: "in the cache" },
        { path: fullPath("t"), reason: "in the cache" },
        { path: fullPath("u"), reason: "signed by k" },
      ],
      failed: [{ path: fullPath("f"), message: "no" }],
      untried: [fullPath("n")],
      unusable: 0,
      stopped: null,
      bytes: 2048,
      seconds: 4.2,
    });
  });
});

describe("createStopGuard", () => {
  it.each([401, 403])("stops at once when the gateway answers %d", (status) => {
    const guard = createStopGuard();
    expect(guard.failed(new CacheRefusal("x.narinfo: told no", status, undefined))).toBe(true);
    expect(guard.reason()).toBe("x.narinfo: told no");
    expect(() => guard.check()).toThrow(Stopped);
  });

  it("stops when three paths in a row could not reach anyone", () => {
    const guard = createStopGuard();
    guard.failed(new Unreachable("gone"));
    guard.failed(new Unreachable("gone"));
    guard.succeeded();
    guard.failed(new Unreachable("gone"));
    guard.failed(new Unreachable("gone"));
    expect(guard.reason()).toBeUndefined();
    expect(guard.failed(new Unreachable("gone"))).toBe(true);
    expect(guard.reason()).toBe("gone");
  });

  it("continues after an error of one path only", () => {
    const guard = createStopGuard();
    for (let count = 0; count < 9; count++) {
      expect(guard.failed(new CacheRefusal("bad", 400, undefined))).toBe(false);
    }
    expect(() => guard.check()).not.toThrow();
  });
});

describe("createSemaphore", () => {
  it("runs a limited number of tasks at once, in order, also after a failure", async () => {
    const semaphore = createSemaphore(2);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const tasks = Array.from({ length: 8 }, (_, index) =>
      semaphore.run(async () => {
        started.push(index);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running--;
        if (index % 3 === 0) throw new Error("no");
      }),
    );
    await Promise.allSettled(tasks);
    expect(most).toBe(2);
    expect(started).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});
