import { describe, expect, it } from "vitest";
import {
  isTransientStatus,
  parseRetryAfter,
  READ_RETRIES,
  retryPauseMilliseconds,
  WRITE_RETRIES,
} from "../../src/http/retry.ts";

const NOW = new Date("2026-11-25T12:00:00Z");

describe("isTransientStatus", () => {
  it.each([408, 429, 500, 502, 503, 504, 520, 522, 599])("takes %i for what may pass", (status) => {
    expect(isTransientStatus(status)).toBe(true);
  });

  it.each([200, 204, 206, 301, 304, 400, 401, 403, 404, 409, 411, 412, 416, 501, 505])(
    "takes %i for final",
    (status) => {
      expect(isTransientStatus(status)).toBe(false);
    },
  );
});

describe("retryPauseMilliseconds", () => {
  it.each([
    { attempt: 1, ceiling: 200 },
    { attempt: 2, ceiling: 400 },
    { attempt: 3, ceiling: 800 },
    { attempt: 6, ceiling: 5000 },
    { attempt: 60, ceiling: 5000 },
  ])("lies under $ceiling ms after attempt $attempt", ({ attempt, ceiling }) => {
    expect(retryPauseMilliseconds(attempt, undefined, () => 0)).toBe(0);
    expect(retryPauseMilliseconds(attempt, undefined, () => 0.5)).toBe(ceiling / 2);
    expect(retryPauseMilliseconds(attempt, undefined, () => 1)).toBe(ceiling);
  });

  it("never lies under Retry-After, and still differs from waiter to waiter", () => {
    expect(retryPauseMilliseconds(1, 3, () => 0)).toBe(3000);
    expect(retryPauseMilliseconds(1, 3, () => 1)).toBe(3200);
  });
});

describe("parseRetryAfter", () => {
  it.each([
    { what: "seconds", header: "120", seconds: 120 },
    { what: "no wait", header: "0", seconds: 0 },
    { what: "seconds with spaces", header: " 5 ", seconds: 5 },
    { what: "a date", header: "Wed, 25 Nov 2026 12:00:30 GMT", seconds: 30 },
    { what: "a date that has passed", header: "Wed, 25 Nov 2026 11:00:00 GMT", seconds: 0 },
    { what: "nothing", header: null, seconds: undefined },
    { what: "nonsense", header: "soon", seconds: undefined },
    { what: "an empty header", header: "", seconds: undefined },
  ])("reads $what", ({ header, seconds }) => {
    expect(parseRetryAfter(header, NOW)).toBe(seconds);
  });
});

describe("the policies", () => {
  it("end before Nix gives up on an answer, after 300 s without a byte", () => {
    for (const { budgetMilliseconds, timeoutMilliseconds } of [READ_RETRIES, WRITE_RETRIES]) {
      // The last attempt may begin just within the budget.
      expect(budgetMilliseconds + timeoutMilliseconds).toBeLessThan(300_000);
    }
  });
});
