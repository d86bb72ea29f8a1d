import { describe, expect, it } from "vitest";
import { CACHE_CONTROL } from "../../../../src/http/cache-control.ts";
import { SINGLE_WRITE } from "../../../../src/http/retry.ts";
import { HANDLE_SECONDS } from "../../../../src/worker/access/upload-handle.ts";
import {
  EDGE_MEMORY_MILLISECONDS,
  RETENTION_RULES,
} from "../../../../src/worker/catalog/retention/retention-rules.ts";

const HOUR = 3600 * 1000;

/** Returns the time for which an edge may give an answer out, in milliseconds. */
function edgeMemory(cacheControl: string): number {
  const seconds = [...cacheControl.matchAll(/(?:max-age|stale-if-error)=(\d+)/g)];
  return seconds.reduce((sum, [, number]) => sum + Number(number) * 1000, 0);
}

describe("RETENTION_RULES", () => {
  const rules = RETENTION_RULES;

  it("outlive what the edge may still give out: lengthen the graces with the headers", () => {
    const longest = edgeMemory(CACHE_CONTROL.metadata);
    expect(longest).toBe(25 * HOUR);
    expect(EDGE_MEMORY_MILLISECONDS).toBeGreaterThan(longest);
    expect(rules.pathGraceMilliseconds).toBeGreaterThan(longest);
    expect(rules.narGraceMilliseconds).toBeGreaterThan(longest);
    expect(rules.tombstoneMilliseconds).toBeGreaterThanOrEqual(30 * 24 * HOUR + longest);
  });

  it("give up an attempt no earlier than the bucket's client does", () => {
    expect(rules.attemptMilliseconds).toBeGreaterThan(SINGLE_WRITE.timeoutMilliseconds);
  });

  it("ask what became of an intent only when its PUT can no longer act", () => {
    expect(rules.resolveMilliseconds).toBeGreaterThanOrEqual(
      rules.intentMilliseconds + rules.attemptMilliseconds + rules.holdMilliseconds,
    );
  });

  it("lease a NAR for as long as the handle of its upload is valid", () => {
    expect(rules.leaseMilliseconds).toBeGreaterThanOrEqual(HANDLE_SECONDS * 1000);
  });
});
