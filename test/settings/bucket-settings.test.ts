import { describe, expect, it } from "vitest";
import { parseBucketLocation } from "../../src/settings/bucket-settings.ts";

const BUCKET = {
  B2_ENDPOINT: "https://s3.us-east-005.backblazeb2.com",
  B2_REGION: "us-east-005",
  B2_BUCKET: "ai-dev-env",
  B2_KEY_ID: "0051a2b3c4d5e6f0000000001",
  B2_APPLICATION_KEY: "K005abcdefghijklmnopqrstuvwxyz0",
};

function prefixOf(prefix: string): string | undefined {
  const location = parseBucketLocation({ ...BUCKET, B2_PREFIX: prefix });
  return location.ok ? location.value.prefix : undefined;
}

describe("parseBucketLocation", () => {
  it("demands all six settings, and reports every problem at once", () => {
    const location = parseBucketLocation({ B2_ENDPOINT: "http://b2.example.org", B2_BUCKET: "b" });
    expect(location.ok ? [] : location.error.map(({ setting }) => setting)).toEqual([
      "B2_ENDPOINT",
      "B2_REGION",
      "B2_BUCKET",
      "B2_KEY_ID",
      "B2_APPLICATION_KEY",
      "B2_PREFIX",
    ]);
  });

  it("shows what an endpoint looks like", () => {
    const env = { ...BUCKET, B2_PREFIX: "", B2_ENDPOINT: "s3.us-east-005.backblazeb2.com" };
    expect(parseBucketLocation(env)).toEqual({
      ok: false,
      error: [
        {
          setting: "B2_ENDPOINT",
          problem: "is not a URL, such as https://s3.us-west-004.backblazeb2.com",
        },
      ],
    });
  });

  it("takes an empty prefix for the whole bucket, and adds the last slash to another", () => {
    expect(prefixOf("")).toBe("");
    expect(prefixOf("nix/cache")).toBe("nix/cache/");
    expect(prefixOf("../x")).toBeUndefined();
  });
});
