import { describe, expect, it } from "vitest";
import {
  computeStorePath,
  formatContentAddress,
  parseContentAddress,
} from "../../src/nix/content-address.ts";
import {
  formatStorePathBaseName,
  parseStorePath,
  parseStorePathBaseName,
} from "../../src/nix/store-path.ts";
import {
  CONTENT_ADDRESSED_PATHS,
  OTHER_STORE_DIR,
  PATH_IN_OTHER_STORE_DIR,
} from "./data/content-addresses.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const NIX32 = "1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c";
const TREE = valueOf(parseContentAddress(`fixed:r:sha256:${NIX32}`));
const REFERENCE = valueOf(parseStorePathBaseName("z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep"));
const SELF = valueOf(parseStorePathBaseName("hzhj1l49x6mshib502l40bfmriy1fakq-ca-self"));

describe("parseContentAddress", () => {
  it.each(CONTENT_ADDRESSED_PATHS)(
    "reads $contentAddress as Nix wrote it",
    ({ contentAddress }) => {
      expect(formatContentAddress(valueOf(parseContentAddress(contentAddress)))).toBe(
        contentAddress,
      );
    },
  );

  it("reads a git address", () => {
    const text = "fixed:git:sha1:0i4yxyw8jbbghjz5c2hbjvnb8b35v0jb";
    expect(formatContentAddress(valueOf(parseContentAddress(text)))).toBe(text);
  });

  it("reads other encodings of the hash", () => {
    const base16 = "ec8484edc958a362006aff6d2e117a38922465adb9c95f3d8e6ffc6a89f7e1eb";
    expect(parseContentAddress(`fixed:r:sha256:${base16}`)).toEqual({ ok: true, value: TREE });
  });

  it.each([
    { what: "nothing", text: "" },
    { what: "an unknown prefix", text: `source:sha256:${NIX32}` },
    { what: "an unknown method", text: `fixed:x:sha256:${NIX32}` },
    { what: "text with a method", text: `text:r:sha256:${NIX32}` },
    { what: "an SRI hash", text: "fixed:r:sha256-7ISE7clYo2IAav9tLhF6OJIkZa25yV89jm/8aon34es=" },
    { what: "a bare hash", text: `sha256:${NIX32}` },
    { what: "a hash of the wrong length", text: "fixed:sha256:abc" },
    { what: "a line break at the end", text: `fixed:sha256:${NIX32}\n` },
  ])("refuses $what", ({ text }) => {
    expect(parseContentAddress(text).ok).toBe(false);
  });
});

describe("computeStorePath", () => {
  it.each(CONTENT_ADDRESSED_PATHS)("finds $path", async ({ path, contentAddress, references }) => {
    const expected = valueOf(parseStorePath(path, "/nix/store"));
    const computed = await computeStorePath(
      valueOf(parseContentAddress(contentAddress)),
      expected.name,
      references.map((reference) => valueOf(parseStorePathBaseName(reference))),
      "/nix/store",
      expected,
    );
    expect(computed).toEqual({ ok: true, value: expected });
  });

  it("does not depend on the order or repetition of references", async () => {
    const row = CONTENT_ADDRESSED_PATHS.find(({ path }) => path.endsWith("-gamma"));
    const references = [...(row?.references ?? []), ...(row?.references ?? [])].toReversed();
    const computed = await computeStorePath(
      valueOf(parseContentAddress(row?.contentAddress ?? "")),
      "gamma",
      references.map((reference) => valueOf(parseStorePathBaseName(reference))),
      "/nix/store",
    );
    expect(`/nix/store/${formatStorePathBaseName(valueOf(computed))}`).toBe(row?.path);
  });

  it("depends on the store directory", async () => {
    const computed = valueOf(await computeStorePath(TREE, "tree", [], OTHER_STORE_DIR));
    expect(formatStorePathBaseName(computed)).toBe(PATH_IN_OTHER_STORE_DIR);
  });

  it("takes a reference to itself for another path unless it is told", async () => {
    const address = valueOf(
      parseContentAddress("fixed:r:sha256:0znrr3riixpg5swvhf2y5lp2awyg28gia42hrkx9fiq8v72igl31"),
    );
    const references = [REFERENCE, SELF];
    const told = await computeStorePath(address, SELF.name, references, "/nix/store", SELF);
    const untold = await computeStorePath(address, SELF.name, references, "/nix/store");
    expect(valueOf(told).hash).toBe(SELF.hash);
    expect(valueOf(untold).hash).not.toBe(SELF.hash);
  });

  // No Nix with git hashing was at hand: computed by a second implementation,
  // in Python, of doc/manual/source/protocols/store-path.md.
  it("finds the path of git's empty tree", async () => {
    const address = valueOf(parseContentAddress("fixed:git:sha1:0i4yxyw8jbbghjz5c2hbjvnb8b35v0jb"));
    const computed = valueOf(await computeStorePath(address, "empty", [], "/nix/store"));
    expect(formatStorePathBaseName(computed)).toBe("q21gcwysm2d1mj60vg3wzfabw5r4zvq4-empty");
  });

  it.each([
    {
      what: "a flat file with references",
      address: `fixed:sha256:${NIX32}`,
      references: [REFERENCE],
    },
    {
      what: "a flat file referring to itself",
      address: `fixed:sha256:${NIX32}`,
      references: [SELF],
    },
    {
      what: "a sha1 tree with references",
      address: "fixed:r:sha1:c22vd2p3vh6zqjhc7y5awpdg1avm4ln0",
      references: [REFERENCE],
    },
    { what: "a text referring to itself", address: `text:sha256:${NIX32}`, references: [SELF] },
    {
      what: "a text by another hash",
      address: "text:sha1:c22vd2p3vh6zqjhc7y5awpdg1avm4ln0",
      references: [],
    },
    { what: "git by md5", address: "fixed:git:md5:3x9d23shb238hl1ga62lr6scwx", references: [] },
  ])("refuses $what", async ({ address, references }) => {
    const parsed = valueOf(parseContentAddress(address));
    const computed = await computeStorePath(parsed, SELF.name, references, "/nix/store", SELF);
    expect(errorOf(computed)).toContain("content address");
  });

  it("refuses a name that no store path has", async () => {
    expect(errorOf(await computeStorePath(TREE, "../x", [], "/nix/store"))).toContain("name");
  });
});
