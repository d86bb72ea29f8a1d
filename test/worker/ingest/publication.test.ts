import { describe, expect, it } from "vitest";
import { decideNarinfo } from "../../../src/worker/ingest/narinfo-rules.ts";
import { formatHash } from "../../../src/nix/hash.ts";
import { formatNarinfo, type Narinfo, parseNarinfo } from "../../../src/nix/narinfo.ts";
import { MAX_SIGNATURES } from "../../../src/nix/signature.ts";
import {
  NARINFO_BZIP2_TWO_SIGNATURES,
  NARINFO_NONE_SELF_REFERENCE,
} from "../../nix/data/narinfos.ts";
import { valueOf } from "../../../testkit/value-of.ts";

/** The same path twice, by two compressions: signed by the first key, and by both. */
const ONE = NARINFO_NONE_SELF_REFERENCE;
const BOTH = NARINFO_BZIP2_TWO_SIGNATURES;

const parse = (text: string): Narinfo => valueOf(parseNarinfo(text, "/nix/store"));
const sign = (text: string, ...names: readonly string[]): string =>
  text + names.map((name) => `Sig: ${name}:${"A".repeat(86)}==\n`).join("");

function decide(published: string | undefined, incoming: string) {
  const decided = decideNarinfo(
    published === undefined ? undefined : parse(published),
    parse(incoming),
  );
  return {
    outcome: decided.outcome,
    text: "narinfo" in decided ? formatNarinfo(decided.narinfo) : undefined,
  };
}

describe("decideNarinfo", () => {
  it("publishes what is new, to the letter", () => {
    expect(decide(undefined, ONE)).toEqual({ outcome: "published", text: ONE });
  });

  it("keeps what is there when nothing is added", () => {
    expect(decide(ONE, ONE)).toEqual({ outcome: "kept", text: undefined });
    expect(decide(BOTH, ONE)).toEqual({ outcome: "kept", text: undefined });
    expect(decide(ONE, ONE.replace(/^Sig: .*\n/m, ""))).toEqual({
      outcome: "kept",
      text: undefined,
    });
  });

  it("adds a signature to what is there, and leaves where its NAR is", () => {
    const second = /^Sig: nargate-test-2:.*\n/m.exec(BOTH)?.[0] ?? "";
    expect(decide(ONE, BOTH)).toEqual({ outcome: "signed", text: ONE + second });
  });

  it.each([
    { what: "another NarHash", from: /NarHash: sha256:0/, to: "NarHash: sha256:1" },
    { what: "another NarSize", from: "NarSize: 216", to: "NarSize: 217" },
    { what: "other References", from: " z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep", to: "" },
    { what: "another name", from: "-self-1.0\nURL", to: "-self-1.1\nURL" },
  ])("leaves the first where a push has $what (law 3)", ({ from, to }) => {
    const other = ONE.replace(from, to);
    expect(other).not.toBe(ONE);
    expect(decide(ONE, sign(other, "new"))).toEqual({ outcome: "conflict", text: undefined });
  });

  it.each([
    { what: "the order of References", from: /References: (\S+) (\S+)/, to: "References: $2 $1" },
    { what: "another Deriver", from: /Deriver: .*\n/, to: "" },
    {
      what: "another encoding of the NarHash",
      from: /NarHash: .*/,
      to: `NarHash: ${formatHash(parse(ONE).narHash, "base16")}`,
    },
  ])("takes $what for the same contents", ({ from, to }) => {
    const other = ONE.replace(from, to);
    expect(other).not.toBe(ONE);
    expect(decide(ONE, other).outcome).toBe("kept");
  });

  it("only ever adds signatures: to more than a path may gain, and to two by one key", () => {
    const many = sign(ONE, ...Array.from({ length: MAX_SIGNATURES + 5 }, (_, n) => `old-${n}`));
    expect(decide(many, ONE)).toEqual({ outcome: "kept", text: undefined });
    expect(decide(many, sign(ONE, "new"))).toEqual({ outcome: "kept", text: undefined });
    const twice = `${ONE}Sig: nargate-test-1:${"B".repeat(85)}A==\n`;
    expect(decide(twice, ONE)).toEqual({ outcome: "kept", text: undefined });
    expect(decide(twice, sign(ONE, "new"))).toEqual({
      outcome: "signed",
      text: sign(twice, "new"),
    });
  });
});
