import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  equalHashes,
  formatDigest,
  formatHash,
  type HashAlgorithm,
  parseHash,
} from "../../src/nix/hash.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

// One hash, by `nix hash to-base16`, `to-base32`, `to-base64` and `to-sri` 2.8.0.
const BASE16 = "ec8484edc958a362006aff6d2e117a38922465adb9c95f3d8e6ffc6a89f7e1eb";
const NIX32 = "1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c";
const BASE64 = "7ISE7clYo2IAav9tLhF6OJIkZa25yV89jm/8aon34es=";

const hashes = fc
  .constantFrom<[HashAlgorithm, number]>(["md5", 16], ["sha1", 20], ["sha256", 32], ["sha512", 64])
  .chain(([algorithm, length]) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => ({ algorithm, bytes: new Uint8Array(bytes) })),
  );

describe("parseHash", () => {
  it.each([
    { what: "base16", text: `sha256:${BASE16}` },
    { what: "base16 in capitals", text: `sha256:${BASE16.toUpperCase()}` },
    { what: "nix32", text: `sha256:${NIX32}` },
    { what: "base64", text: `sha256:${BASE64}` },
    { what: "SRI", text: `sha256-${BASE64}` },
  ])("tells $what by its length or dash", ({ text }) => {
    expect(formatHash(valueOf(parseHash(text)), "nix32")).toBe(`sha256:${NIX32}`);
  });

  it("reads what formatHash writes in every encoding", () => {
    fc.assert(
      fc.property(
        hashes,
        fc.constantFrom("nix32" as const, "base16" as const, "base64" as const, "sri" as const),
        (hash, encoding) => {
          expect(valueOf(parseHash(formatHash(hash, encoding)))).toEqual(hash);
        },
      ),
    );
  });

  it.each([
    { what: "no algorithm", text: NIX32, error: "hash does not begin with an algorithm" },
    { what: "an unknown algorithm", text: `sha3:${NIX32}`, error: "hash algorithm is not" },
    {
      what: "blake3, which is experimental",
      text: `blake3:${NIX32}`,
      error: "hash algorithm is not",
    },
    {
      what: "a name of Object.prototype",
      text: `constructor:${NIX32}`,
      error: "hash algorithm is not",
    },
    {
      what: "an algorithm in capitals",
      text: `SHA256:${NIX32}`,
      error: "hash does not begin with an algorithm",
    },
    {
      what: "a length of another algorithm",
      text: `sha512:${NIX32}`,
      error: "no sha512 digest has this length in base16, nix32 or base64",
    },
    {
      what: "one character too many",
      text: `sha256:${NIX32}0`,
      error: "no sha256 digest has this length in base16, nix32 or base64",
    },
    {
      what: "no digest",
      text: "sha256:",
      error: "no sha256 digest has this length in base16, nix32 or base64",
    },
    {
      what: "base16 with a letter outside it",
      text: `sha256:${BASE16.replace("e", "g")}`,
      error: "base16 text holds a character outside 0-9 and a-f",
    },
    { what: "nix32 after a dash", text: `sha256-${NIX32}`, error: "wrong length" },
    { what: "an SRI digest that is too short", text: "sha256-AAAA", error: "wrong length" },
    {
      what: "two SRI hashes",
      text: `sha256-${BASE64} sha256-${BASE64}`,
      error: "it is not padded base64",
    },
    {
      what: "a line break at the end",
      text: `sha256:${NIX32}\n`,
      error: "no sha256 digest has this length in base16, nix32 or base64",
    },
  ])("refuses $what", ({ text, error }) => {
    expect(errorOf(parseHash(text))).toContain(error);
  });
});

describe("formatHash", () => {
  it("writes all four encodings as Nix does", () => {
    const hash = valueOf(parseHash(`sha256:${NIX32}`));
    expect(formatHash(hash, "nix32")).toBe(`sha256:${NIX32}`);
    expect(formatHash(hash, "base16")).toBe(`sha256:${BASE16}`);
    expect(formatHash(hash, "base64")).toBe(`sha256:${BASE64}`);
    expect(formatHash(hash, "sri")).toBe(`sha256-${BASE64}`);
    expect(formatDigest(hash, "nix32")).toBe(NIX32);
  });
});

describe("equalHashes", () => {
  it("holds for the same hash in two encodings", () => {
    const [a, b] = [parseHash(`sha256:${NIX32}`), parseHash(`sha256:${BASE16}`)];
    expect(equalHashes(valueOf(a), valueOf(b))).toBe(true);
  });

  it.each([
    { what: "another byte", text: `sha256:${BASE16.replace("ec", "ed")}` },
    { what: "another algorithm", text: `sha512:${BASE16}${BASE16}` },
  ])("fails for $what", ({ text }) => {
    expect(equalHashes(valueOf(parseHash(`sha256:${BASE16}`)), valueOf(parseHash(text)))).toBe(
      false,
    );
  });
});
