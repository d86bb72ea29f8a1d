import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matchesClaimPattern, parseClaimPattern } from "../../../src/settings/oidc/oidc-trust.ts";

describe("matchesClaimPattern", () => {
  it.each([
    { pattern: "main", text: "main", is: true },
    { pattern: "main", text: "main2", is: false },
    { pattern: "main", text: "xmain", is: false },
    { pattern: "main", text: "Main", is: false },
    { pattern: "main", text: "main\n", is: false },
    { pattern: "main", text: "", is: false },
    { pattern: "*", text: "", is: true },
    { pattern: "*", text: "anything: at all", is: true },
    { pattern: "*", text: "a/b", is: false },
    { pattern: "refs/heads/*", text: "refs/heads/main", is: true },
    { pattern: "refs/heads/*", text: "refs/heads/a/b", is: false },
    { pattern: "refs/heads/*", text: "refs/heads", is: false },
    { pattern: "refs/heads/*", text: "x/refs/heads/main", is: false },
    { pattern: "refs/heads/*", text: "refs/tags/main", is: false },
    { pattern: "refs/*/main", text: "refs/heads/main", is: true },
    { pattern: "refs/*/main", text: "refs/heads/x/main", is: false },
    { pattern: "release-*", text: "release-1.2", is: true },
    { pattern: "*-release", text: "1.2-release-x", is: false },
    { pattern: "ab*ba", text: "aba", is: false },
    { pattern: "a*b*c", text: "a-c-b", is: false },
    { pattern: "a*bc*c", text: "abc", is: false },
    { pattern: "a*b*c", text: "a-b-b-c", is: true },
    { pattern: "*a*b", text: "a/ab", is: false },
    { pattern: "octo.org/*", text: "octoXorg/repo", is: false },
    { pattern: "(a|b)+", text: "a", is: false },
    { pattern: "^a$", text: "a", is: false },
    { pattern: "[ab]", text: "a", is: false },
    { pattern: "a?", text: "a", is: false },
  ])("takes $text for $pattern: $is", ({ pattern, text, is }) => {
    expect(matchesClaimPattern(pattern, text)).toBe(is);
  });
});

// Few characters, so that patterns nearly match, and those that mean something to a RegExp.
const words = fc.string({ unit: fc.constantFrom(..."ab/.+?^$()[]{}|\\\n-"), maxLength: 8 });
const patterns = fc
  .array(fc.oneof(words, fc.constant("*")), { maxLength: 6 })
  .map((p) => p.join(""));

describe("a claim pattern", () => {
  it("is what an anchored regular expression with [^/]* for * says", () => {
    fc.assert(
      fc.property(patterns, words, fc.array(words), (pattern, word, gaps) => {
        const escaped = pattern.split("*").map((part) => part.replace(/[^ab\n]/g, "\\$&"));
        const oracle = new RegExp(`^${escaped.join("[^/]*")}$`);
        const filled = pattern.replaceAll("*", () => gaps.pop() ?? "");
        for (const text of [word, filled, `${filled}${word}`, `${word}${filled}`]) {
          expect(matchesClaimPattern(pattern, text)).toBe(oracle.test(text));
        }
      }),
    );
  });

  it("matches what it spells, whatever its characters mean elsewhere, and nothing longer", () => {
    const plain = fc.string({ unit: "binary" }).map((text) => text.replaceAll("*", ""));
    fc.assert(
      fc.property(plain, fc.string({ minLength: 1 }), (text, more) => {
        expect(matchesClaimPattern(text, text)).toBe(true);
        expect(matchesClaimPattern(text, text + more)).toBe(false);
        expect(matchesClaimPattern(text, more + text)).toBe(false);
      }),
    );
  });

  it("never lets * cross a slash", () => {
    fc.assert(
      fc.property(words, words, words, words, (before, left, right, after) => {
        const pattern = `${before}*${after}`;
        expect(matchesClaimPattern(pattern, `${before}${left}/${right}${after}`)).toBe(false);
      }),
    );
  });

  it("takes no longer for a text made to have it try everything", () => {
    const startedAt = Date.now();
    expect(matchesClaimPattern("*a".repeat(120), `${"a".repeat(100_000)}b`)).toBe(false);
    expect(Date.now() - startedAt).toBeLessThan(1000);
  });
});

describe("parseClaimPattern", () => {
  it.each([
    { what: "a number", pattern: 74, says: "is not text: put it in quotes" },
    { what: "null", pattern: null, says: "is not text: put it in quotes" },
    { what: "nothing", pattern: "", says: "is empty" },
    {
      what: "two stars",
      pattern: "refs/**",
      says: "contains **: use a single *, which never crosses a slash",
    },
    { what: "length", pattern: "a".repeat(257), says: "is longer than 256 characters" },
  ])("refuses $what", ({ pattern, says }) => {
    expect(parseClaimPattern(pattern)).toEqual({ ok: false, error: says });
  });
});
