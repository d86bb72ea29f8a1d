import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CacheError } from "../../src/worker/cache-error.ts";
import { FAILURES, type FailureCode } from "../../src/api/failures/failures.ts";
import { describeCause, failureResponse, toFailure } from "../../src/worker/failure-response.ts";

const CODES = Object.keys(FAILURES) as FailureCode[];
const codes = fc.constantFrom(...CODES);

describe("failureResponse", () => {
  it.each(CODES)("answers %s in one line under 1 KiB that nobody keeps", async (code) => {
    const response = failureResponse(
      new CacheError(code, "detail", { subject: "s".repeat(10_000) }),
    );
    expect(response.status).toBe(FAILURES[code].status);
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("cache-control")).toBe("no-store");
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
    const text = await response.text();
    expect(text).toMatch(/^[^\n]+\n$/);
    expect(text.startsWith(FAILURES[code].message)).toBe(true);
    expect(text.length).toBeLessThan(1024);
  });

  it("tells nothing of detail and cause", async () => {
    const secrets = fc.string({ minLength: 12, unit: "grapheme-ascii" });
    await fc.assert(
      fc.asyncProperty(codes, secrets, secrets, async (code, detail, cause) => {
        const error = new CacheError(code, detail, { cause: new Error(cause) });
        const response = failureResponse(error);
        const answer = `${await response.text()} ${JSON.stringify([...response.headers])}`;
        const plain = failureResponse(new CacheError(code, ""));
        expect(answer).toBe(`${await plain.text()} ${JSON.stringify([...plain.headers])}`);
      }),
    );
  });

  it("ends the sentence with the subject, which cannot add a line", async () => {
    const subjects = fc.string({ unit: "binary" });
    await fc.assert(
      fc.asyncProperty(codes, subjects, async (code, subject) => {
        const text = await failureResponse(new CacheError(code, "", { subject })).text();
        expect(text).toMatch(/^[\x20-\x7e]+\n$/);
        expect(text.startsWith(`${FAILURES[code].message} `)).toBe(true);
      }),
    );
    const plain = await failureResponse(
      new CacheError("nar-absent", "", { subject: "nar/a.nar." }),
    ).text();
    expect(plain).toBe("Push the NAR before its narinfo: the bucket does not hold nar/a.nar.\n");
  });

  it("asks for a credential with every 401, and with nothing else", () => {
    for (const code of CODES) {
      const challenge = failureResponse(new CacheError(code, "")).headers.get("www-authenticate");
      expect(challenge).toBe(
        FAILURES[code].status === 401 ? 'Basic realm="Nix binary cache"' : null,
      );
    }
  });

  it("says when to try again, if the error does", () => {
    const error = new CacheError("bucket-unavailable", "", { retryAfterSeconds: 0 });
    expect(failureResponse(error).headers.get("retry-after")).toBe("0");
    const silent = new CacheError("bucket-unavailable", "");
    expect(failureResponse(silent).headers.has("retry-after")).toBe(false);
  });
});

describe("FAILURES", () => {
  it("never answers 404 but to what is absent or no path of a cache (law 5)", () => {
    const absent = CODES.filter((code) => FAILURES[code].status === 404);
    expect(absent).toEqual([
      "not-found",
      "no-such-endpoint",
      "bad-path",
      "upload-gone",
      "pin-unknown",
      // Only of routes of the API, which Nix never asks.
      "catalog-off",
      "path-not-in-catalog",
    ]);
  });

  it("answers no status that Nix takes for success or for a redirect", () => {
    for (const code of CODES) expect(FAILURES[code].status).toBeGreaterThanOrEqual(400);
  });
});

describe("toFailure", () => {
  it("leaves a CacheError as it is", () => {
    const error = new CacheError("not-found", "x");
    expect(toFailure(error)).toBe(error);
  });

  it.each([
    { what: "an Error", thrown: new TypeError("secret") },
    { what: "a text", thrown: "secret" },
    { what: "nothing", thrown: undefined },
  ])("makes an internal failure of $what", async ({ thrown }) => {
    const failure = toFailure(thrown);
    expect(failure.code).toBe("internal");
    expect(failure.cause).toBe(thrown);
    expect(await failureResponse(failure).text()).not.toContain("secret");
  });
});

describe("describeCause", () => {
  it.each([
    { what: "no cause", error: undefined, text: undefined },
    { what: "an error", error: new TypeError("a"), text: "TypeError: a" },
    {
      what: "an error and its cause",
      error: new Error("a", { cause: new RangeError("b") }),
      text: "Error: a <- RangeError: b",
    },
    { what: "what is not an error", error: 7, text: "7" },
  ])("describes $what", ({ error, text }) => {
    expect(describeCause(error)).toBe(text);
  });
});
