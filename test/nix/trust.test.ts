import { describe, expect, it } from "vitest";
import { parseNarinfo } from "../../src/nix/narinfo.ts";
import { parsePublicKey } from "../../src/nix/signature.ts";
import { findTrust } from "../../src/nix/trust.ts";
import { valueOf } from "../../testkit/value-of.ts";
import { PUBLIC_KEY_ONE } from "./data/keys.ts";
import { NARINFO_NONE_SELF_REFERENCE } from "./data/narinfos.ts";

const SIGNED = NARINFO_NONE_SELF_REFERENCE;
const SIGNATURE = /^Sig: (.*)$/m.exec(SIGNED)?.[1] ?? "";
const parse = (text: string) => valueOf(parseNarinfo(text, "/nix/store"));

describe("findTrust", () => {
  it("passes over signatures that are malformed", async () => {
    const narinfo = { ...parse(SIGNED), signatures: ["x", "nargate-test-1:AAAA", SIGNATURE] };
    const keys = [valueOf(parsePublicKey(PUBLIC_KEY_ONE))];
    expect(await findTrust(narinfo, "/nix/store", keys)).toBe("signed");
  });

  it("depends on the store directory, which is signed along", async () => {
    const keys = [valueOf(parsePublicKey(PUBLIC_KEY_ONE))];
    expect(await findTrust(parse(SIGNED), "/gnu/store", keys)).toBeUndefined();
  });
});
