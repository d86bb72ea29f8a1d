import { describe, expect, it } from "vitest";
import { formatNarinfo, parseNarinfo, withSignatures } from "../../src/nix/narinfo.ts";
import {
  NARINFO_NONE_SELF_REFERENCE,
  NARINFO_SYSTEM,
  NARINFO_XZ_TEXT_CA,
} from "./data/narinfos.ts";
import { valueOf } from "../../testkit/value-of.ts";

const parse = (text: string) => parseNarinfo(text, "/nix/store");

/** The narinfo with its signatures replaced, which must then parse to itself. */
function replace(text: string, signatures: string[]): string {
  const replaced = withSignatures(valueOf(parse(text)), signatures);
  expect(replaced.signatures).toEqual(signatures);
  expect(parse(formatNarinfo(replaced))).toEqual({ ok: true, value: replaced });
  return formatNarinfo(replaced);
}

describe("withSignatures", () => {
  it("puts two where the first one was, as `nix store sign` did", () => {
    const { signatures } = valueOf(parse(NARINFO_SYSTEM));
    const unsigned = replace(NARINFO_SYSTEM, []);
    expect(unsigned).not.toContain("Sig:");
    expect(replace(unsigned, [...signatures])).toBe(NARINFO_SYSTEM);
    expect(replace(NARINFO_SYSTEM, [...signatures])).toBe(NARINFO_SYSTEM);
  });

  it("puts them last where there is no CA", () => {
    const { signatures } = valueOf(parse(NARINFO_NONE_SELF_REFERENCE));
    const unsigned = replace(NARINFO_NONE_SELF_REFERENCE, []);
    expect(replace(unsigned, [...signatures])).toBe(NARINFO_NONE_SELF_REFERENCE);
  });

  it("gathers scattered signatures", () => {
    const text = `Sig: a:AA==\n${NARINFO_XZ_TEXT_CA}Sig: b:AA==\n`;
    const lines = replace(text, ["c:AA=="]).split("\n");
    expect(lines[0]).toBe("Sig: c:AA==");
    expect(lines.filter((line) => line.startsWith("Sig: "))).toHaveLength(1);
  });

  it("refuses to write another field", () => {
    const narinfo = valueOf(parse(NARINFO_XZ_TEXT_CA));
    expect(() => withSignatures(narinfo, ["a:AA==\nURL: https://evil.example/"])).toThrow(
      TypeError,
    );
  });
});
