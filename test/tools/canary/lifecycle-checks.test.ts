import { describe, expect, it } from "vitest";
import { runChecks } from "../../../src/checks/check.ts";
import { describeError } from "../../../src/client/client-error.ts";
import { LIFECYCLE_CHECKS } from "../../../tools/canary/lifecycle-checks.ts";
import { createAnsweringBucket } from "../../../testkit/node/answering-bucket.ts";

describe("LIFECYCLE_CHECKS of a key that may not read the rules", () => {
  const b2 = "With a key that may read the rules, run: b2 bucket get nix";
  const another = "Look at the bucket's lifecycle rules with the tools of its provider.";

  it.each([
    { endpoint: "https://s3.us-west-004.backblazeb2.com", remedy: b2 },
    { endpoint: "http://127.0.0.1:9000", remedy: b2 },
    { endpoint: "https://s3.example.org", remedy: another },
    { endpoint: "https://backblazeb2.com.example.org", remedy: another },
  ])("have a remedy for $endpoint", async ({ endpoint, remedy }) => {
    const refusal = { status: 403, code: "AccessDenied" };
    const bucket = createAnsweringBucket(() => refusal, endpoint);
    const { signal } = new AbortController();
    const findings = await runChecks(LIFECYCLE_CHECKS, bucket, signal, describeError);
    const unknown = { verdict: "unknown", remedy };
    expect(findings).toMatchObject([unknown, unknown, unknown]);
  });
});
