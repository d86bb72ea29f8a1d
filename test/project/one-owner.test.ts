import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** The files below `folder` whose code matches `pattern`; comments do not count. */
function filesWith(folder: string, pattern: RegExp): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .filter((name) => pattern.test(withoutComments(readFileSync(`${folder}/${name}`, "utf8"))))
    .toSorted();
}

function withoutComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
}

describe("one file alone", () => {
  it.each([
    {
      what: "drops objects from the edge",
      pattern: /\bedge\.(?:forget|purge)\(/,
      owner: "ingest/commit.ts",
    },
    { what: "imports aws4fetch", pattern: /from "aws4fetch"/, owner: "bucket/s3-signer.ts" },
    { what: "waits on the platform's timer", pattern: /scheduler\.wait/, owner: "clock.ts" },
    {
      what: "looks at the platform's clock",
      pattern: /new Date\(\)|Date\.now\(/,
      owner: "clock.ts",
    },
    {
      what: "uses the platform's cache",
      pattern: /\bcaches\.default\b/,
      owner: "create-gateway.ts",
    },
    { what: "writes the log", pattern: /\bconsole\b/, owner: "log.ts" },
  ])("of the worker $what", ({ pattern, owner }) => {
    expect(filesWith("src/worker", pattern)).toEqual([owner]);
  });

  it("of the client imports aws4fetch", () => {
    expect(filesWith("src/client", /from "aws4fetch"/)).toEqual(["bucket/sign-request.ts"]);
  });

  it.each([
    {
      what: "spells the identity of a bucket",
      pattern: /\[endpoint, bucket, prefix\]/,
      owner: "settings/bucket-settings.ts",
    },
    { what: "names nosniff", pattern: /"nosniff"/, owner: "http/response-headers.ts" },
    {
      what: "says which hosts are this machine",
      pattern: /"127\.0\.0\.1"|"\[::1\]"/,
      owner: "http/secure-url.ts",
    },
    {
      what: "has the part URLs of a request",
      pattern: /MAX_PART_URLS = /,
      owner: "api/direct-uploads.ts",
    },
  ])("of src $what", ({ pattern, owner }) => {
    expect(filesWith("src", pattern)).toEqual([owner]);
  });
});
