import { describe, expect, it } from "vitest";
import { formatNarinfo, parseNarinfo } from "../../src/nix/narinfo.ts";
import { valueOf } from "../../testkit/value-of.ts";
import { NARINFO_ZSTD_NO_REFERENCES } from "./data/narinfos.ts";

describe("a content address of an algorithm that this version does not know", () => {
  it.each(["fixed:r:blake3:", "fixed:blake3:", "fixed:git:blake3:"])(
    "is kept as an address that proves nothing: %s",
    (prefix) => {
      const address = prefix + "0".repeat(52);
      const text = `${NARINFO_ZSTD_NO_REFERENCES.replace(/^CA: .*$/m, `CA: ${address}`)}`;
      const narinfo = valueOf(parseNarinfo(text, "/nix/store"));
      expect(narinfo.contentAddress).toBe(address);
      expect(formatNarinfo(narinfo)).toBe(text);
    },
  );

  it("is still refused where it is no address", () => {
    const text = NARINFO_ZSTD_NO_REFERENCES.replace(/^CA: .*$/m, "CA: fixed:x:blake3:0");
    expect(parseNarinfo(text, "/nix/store").ok).toBe(false);
  });
});
