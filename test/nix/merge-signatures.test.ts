import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_SIGNATURES, mergeSignatures } from "../../src/nix/signature.ts";

describe("mergeSignatures", () => {
  it.each([
    { what: "nothing", existing: [], incoming: [], merged: [] },
    { what: "a new key last", existing: ["b:1"], incoming: ["a:1"], merged: ["b:1", "a:1"] },
    { what: "the same once", existing: ["a:1"], incoming: ["a:1"], merged: ["a:1"] },
    { what: "the existing of two by a key", existing: ["a:1"], incoming: ["a:2"], merged: ["a:1"] },
    {
      what: "the first of two that come in",
      existing: [],
      incoming: ["a:1", "a:2"],
      merged: ["a:1"],
    },
    {
      what: "keys whose names begin alike",
      existing: ["a-1:x"],
      incoming: ["a-10:x"],
      merged: ["a-1:x", "a-10:x"],
    },
  ])("keeps $what", ({ existing, incoming, merged }) => {
    expect(mergeSignatures(existing, incoming)).toEqual(merged);
  });

  it("gives a known key the place of the last unknown one in a full list", () => {
    const existing = Array.from({ length: MAX_SIGNATURES }, (_, index) => `old-${index}:x`);
    const known = new Set(["known", "old-31"]);
    const merged = mergeSignatures(existing, ["unknown:x", "known:x"], (name) => known.has(name));
    expect(merged).toEqual([...existing.slice(0, 30), "old-31:x", "known:x"]);
    expect(mergeSignatures(existing, ["known:x"], () => true)).toEqual(existing);
  });

  it("stops at the most a path may have, dropping what comes in", () => {
    const existing = Array.from({ length: MAX_SIGNATURES - 1 }, (_, index) => `old-${index}:x`);
    expect(mergeSignatures(existing, ["new-1:x", "new-2:x"])).toEqual([...existing, "new-1:x"]);
  });

  it("drops none of what is there, though they are more than a path may gain", () => {
    const existing = [
      ...Array.from({ length: MAX_SIGNATURES + 1 }, (_, index) => `old-${index}:x`),
      "old-0:second",
    ];
    expect(mergeSignatures(existing, ["new-1:x"])).toEqual(existing);
  });

  it("changes nothing the second time", () => {
    const signatures = fc.array(
      fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.nat(3)).map(([name, n]) => `${name}:${n}`),
    );
    fc.assert(
      fc.property(signatures, signatures, (existing, incoming) => {
        const merged = mergeSignatures(existing, incoming);
        expect(mergeSignatures(merged, incoming)).toEqual(merged);
      }),
    );
  });
});
