import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  equalStorePaths,
  formatStorePath,
  formatStorePathBaseName,
  parseStorePath,
  parseStorePathBaseName,
  parseStorePathHash,
  parseStorePathName,
} from "../../src/nix/store-path.ts";
import { valueOf } from "../../testkit/value-of.ts";

const HASH = "g1w7hy3qg1w7hy3qg1w7hy3qg1w7hy3q";

// The cases of src/libstore-tests/path.cc in Nix 2.36, and some more.
const GOOD_NAMES = [
  "02345",
  "foo",
  "FOO",
  "foo+bar",
  "foo-dev",
  "foo_bar",
  "foo.txt",
  "foo?why",
  "foo=foo",
  ".gitignore",
  "...a",
  "...1",
  "...-",
  "...",
  "hm_..zlogout.drv",
  "-",
  "a".repeat(211),
];
const BAD_NAMES = [
  "",
  "&*()",
  "**",
  "*,foo",
  "foo,*",
  "foo!o",
  ".",
  "..",
  "..-1",
  ".-1",
  "..-a",
  ".-a",
  "a/b",
  "a b",
  "a\n",
  "a\0",
  "a~",
  "é",
  "a".repeat(212),
];

describe("parseStorePathName", () => {
  it.each(GOOD_NAMES)("takes %j", (name) => {
    expect(valueOf(parseStorePathName(name))).toBe(name);
  });

  it.each(BAD_NAMES)("refuses %j", (name) => {
    expect(parseStorePathName(name).ok).toBe(false);
  });
});

describe("parseStorePathHash", () => {
  it("takes 32 characters of nix32", () => {
    expect(valueOf(parseStorePathHash(HASH))).toBe(HASH);
    expect(parseStorePathHash("0123456789abcdfghijklmnpqrsvwxyz").ok).toBe(true);
  });

  it.each(["e", "o", "u", "t", "A", "-", "é", "\n", ""])(
    "refuses it with %j in it",
    (character) => {
      expect(parseStorePathHash(HASH.slice(1) + character).ok).toBe(false);
    },
  );

  it("refuses 33 characters", () => {
    expect(parseStorePathHash(`${HASH}0`).ok).toBe(false);
  });
});

describe("parseStorePath", () => {
  it("takes a direct child of the store directory", () => {
    const path = valueOf(parseStorePath(`/nix/store/${HASH}-foo-1.0`, "/nix/store"));
    expect(path).toEqual({ hash: HASH, name: "foo-1.0" });
  });

  it.each([
    { what: "a path in another store", text: `/gnu/store/${HASH}-foo` },
    { what: "a base name", text: `${HASH}-foo` },
    { what: "the store directory", text: "/nix/store" },
    { what: "something inside a path", text: `/nix/store/${HASH}-foo/bin` },
    { what: "a slash at the end", text: `/nix/store/${HASH}-foo/` },
    { what: "two slashes", text: `/nix/store//${HASH}-foo` },
    { what: "a dot", text: `/nix/store/./${HASH}-foo` },
    { what: "a step upwards", text: `/nix/store/bar/../${HASH}-foo` },
    { what: "no dash", text: `/nix/store/${HASH}foo` },
    { what: "no name", text: `/nix/store/${HASH}-` },
    { what: "the hash alone", text: `/nix/store/${HASH}` },
    { what: "a longer hash", text: `/nix/store/0${HASH}-foo` },
    { what: "a link's name", text: `/nix/store/.links/${HASH}-foo` },
    { what: "nothing", text: "" },
  ])("refuses $what", ({ text }) => {
    expect(parseStorePath(text, "/nix/store").ok).toBe(false);
  });

  it("reads what formatStorePath writes", () => {
    const digits = [..."0123456789abcdfghijklmnpqrsvwxyz"];
    const hash = fc.array(fc.constantFrom(...digits), { minLength: 32, maxLength: 32 });
    const name = fc.stringMatching(/^[0-9A-Za-z+_?=][0-9A-Za-z+\-._?=]{0,200}$/);
    fc.assert(
      fc.property(hash, name, fc.constantFrom("/nix/store", "/a"), (characters, text, storeDir) => {
        const baseName = `${characters.join("")}-${text}`;
        const path = valueOf(parseStorePath(`${storeDir}/${baseName}`, storeDir));
        expect(formatStorePath(path, storeDir)).toBe(`${storeDir}/${baseName}`);
        expect(formatStorePathBaseName(valueOf(parseStorePathBaseName(baseName)))).toBe(baseName);
      }),
    );
  });
});

describe("equalStorePaths", () => {
  it("compares hash and name", () => {
    const path = valueOf(parseStorePathBaseName(`${HASH}-foo`));
    expect(equalStorePaths(path, valueOf(parseStorePathBaseName(`${HASH}-foo`)))).toBe(true);
    expect(equalStorePaths(path, valueOf(parseStorePathBaseName(`${HASH}-bar`)))).toBe(false);
    const other = valueOf(parseStorePathBaseName(`${HASH.replace("g", "0")}-foo`));
    expect(equalStorePaths(path, other)).toBe(false);
  });
});
