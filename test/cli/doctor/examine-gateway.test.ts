import { describe, expect, it } from "vitest";
import type { GatewayFacts } from "../../../src/api/answers.ts";
import { judgeSigning } from "../../../src/cli/doctor/examine-gateway.ts";

const FACTS: GatewayFacts = {
  version: "0.1.0",
  storeDir: "/nix/store",
  priority: 41,
  access: "public",
  publicKeys: [],
  signingKeys: ["cache-1:AAAA"],
  uploads: true,
  partSizeThreshold: 1,
};

describe("judgeSigning", () => {
  it.each([
    { what: "of an older gateway", facts: {}, says: /signs every push with cache-1$/ },
    { what: "with PROVE=file", facts: { proves: "file" }, says: /signs every push with cache-1$/ },
    {
      what: "with PROVE=contents",
      facts: { proves: "contents" },
      says: /signs every push that it can unpack .*compression=zstd\) with cache-1$/,
    },
  ])("says what is signed $what", ({ facts, says }) => {
    const finding = judgeSigning({ ...FACTS, ...facts });
    expect(finding.verdict).toBe("ok");
    expect(finding.says).toMatch(says);
  });
});
