import { describe, expect, it } from "vitest";
import {
  isCapExceeded,
  readS3Failure,
  toCacheError,
} from "../../../src/worker/bucket/s3-failure.ts";

// As B2 words it (GET, recorded live by others in October 2026).
const CAP =
  "Cannot download file, download bandwidth or transaction (Class B) cap exceeded. See the Caps & Alerts page to increase your cap.";

function xmlAnswer(status: number, code: string, message: string): Response {
  const text = message.replaceAll("&", "&amp;");
  return new Response(`<Error><Code>${code}</Code><Message>${text}</Message></Error>`, { status });
}

describe("readS3Failure", () => {
  it("reads code and message of an S3 error", async () => {
    expect(await readS3Failure(xmlAnswer(403, "AccessDenied", CAP))).toEqual({
      status: 403,
      code: "AccessDenied",
      message: CAP,
    });
  });

  it.each([
    { what: "a HEAD's answer", response: () => new Response(null, { status: 404 }) },
    { what: "a page of another server", response: () => new Response("<html>", { status: 404 }) },
  ])("finds neither in $what", async ({ response }) => {
    expect(await readS3Failure(response())).toEqual({ status: 404, code: undefined, message: "" });
  });

  it("does not read what is too long to be an error", async () => {
    let cancelled = false;
    const body = new ReadableStream({
      cancel() {
        cancelled = true;
      },
    });
    const response = new Response(body, { status: 400, headers: { "content-length": "20000" } });
    expect((await readS3Failure(response)).code).toBeUndefined();
    expect(cancelled).toBe(true);
  });

  it("is content with a body that breaks off", async () => {
    const body = new ReadableStream({
      start(controller) {
        controller.error(new Error("connection lost"));
      },
    });
    expect((await readS3Failure(new Response(body, { status: 400 }))).code).toBeUndefined();
  });
});

describe("isCapExceeded", () => {
  it.each([
    { what: "B2's words", status: 403, message: CAP, exceeded: true },
    { what: "other words of a 403", status: 403, message: "not entitled", exceeded: false },
    { what: "the words under another status", status: 400, message: CAP, exceeded: false },
  ])("is $exceeded for $what", ({ status, message, exceeded }) => {
    expect(isCapExceeded({ status, code: "AccessDenied", message })).toBe(exceeded);
  });
});

describe("toCacheError", () => {
  it.each([
    { what: "a cap", status: 403, message: CAP, code: "bucket-cap-exceeded", retryAfter: 600 },
    { what: "a refusal", status: 403, message: "no", code: "misconfigured", retryAfter: undefined },
    { what: "a redirect", status: 301, message: "", code: "misconfigured", retryAfter: undefined },
    { what: "a 501", status: 501, message: "", code: "misconfigured", retryAfter: undefined },
  ])("makes $code of $what", ({ status, message, code, retryAfter }) => {
    const error = toCacheError("PUT x", { status, code: "Code", message });
    expect(error).toMatchObject({ code, retryAfterSeconds: retryAfter, subject: undefined });
    expect(error.message).toBe(`PUT x answered ${status} Code: ${message}`);
  });

  it("keeps no more of a message than a log line holds", () => {
    const error = toCacheError("PUT x", {
      status: 400,
      code: undefined,
      message: "m".repeat(9999),
    });
    expect(error.message.length).toBeLessThan(400);
  });
});
