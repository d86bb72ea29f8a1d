import { describe, expect, it } from "vitest";
import { runChecks } from "../../../src/checks/check.ts";
import { describeError } from "../../../src/client/client-error.ts";
import { READ_CHECKS } from "../../../tools/canary/read-checks.ts";
import { createAnsweringBucket } from "../../../testkit/node/answering-bucket.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";

describe("READ_CHECKS, GET with Range: bytes=0-", () => {
  it.each([
    {
      what: "200, as B2 answers",
      answer: { text: LETTERS },
      verdict: "ok",
      says: "the whole object (200, no Content-Range)",
    },
    {
      what: "206, as OpenStack Swift and Versity answer",
      answer: { status: 206, text: LETTERS, range: "bytes 0-25/26" },
      verdict: "ok",
      says: "the whole object (206, bytes 0-25/26)",
    },
    {
      what: "206 without the range",
      answer: { status: 206, text: LETTERS },
      verdict: "FAIL",
      says: "206, no Content-Range, the whole object",
    },
    {
      what: "a part",
      answer: { status: 206, text: "abc", range: "bytes 0-2/26" },
      verdict: "FAIL",
      says: '206, bytes 0-2/26, "abc"',
    },
    { what: "a refusal", answer: { status: 416 }, verdict: "FAIL", says: "416" },
  ])("judges $what", async ({ answer: { range, ...answer }, verdict, says }) => {
    const headers = new Headers(range === undefined ? {} : { "content-range": range });
    const bucket = createAnsweringBucket(({ method }) =>
      method === "GET" ? { ...answer, headers } : {},
    );
    const check = READ_CHECKS.filter((one) => one.check === "GET with Range: bytes=0-");
    const { signal } = new AbortController();
    expect(await runChecks(check, bucket, signal, describeError)).toMatchObject([
      { verdict, says, expected: { basis: "HTTP", text: "the whole object" } },
    ]);
  });
});
