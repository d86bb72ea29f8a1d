import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatCacheInfo, parseCacheInfo } from "../../src/nix/cache-info.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

describe("parseCacheInfo", () => {
  it.each([
    {
      what: "what cache.nixos.org serves",
      text: "StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 40\n",
      info: { storeDir: "/nix/store", wantMassQuery: true, priority: 40 },
    },
    {
      what: "what Nix writes into an empty cache",
      text: "StoreDir: /nix/store\n",
      info: { storeDir: "/nix/store", wantMassQuery: false, priority: undefined },
    },
    {
      what: "nothing",
      text: "",
      info: { storeDir: undefined, wantMassQuery: false, priority: undefined },
    },
    {
      what: "other lines without minding them",
      text: "X: y\nX: y\nPriorityX\nPriority: 3\n",
      info: { storeDir: undefined, wantMassQuery: false, priority: 3 },
    },
    {
      what: "what a person wrote",
      text: "# ours\r\nStoreDir:/gnu/store \r\nWantMassQuery: yes\r\nPriority:  -5\r\n\r\nX: y",
      info: { storeDir: "/gnu/store", wantMassQuery: false, priority: -5 },
    },
  ])("reads $what", ({ text, info }) => {
    expect(valueOf(parseCacheInfo(text))).toEqual(info);
  });

  it.each([
    {
      what: "a priority with a unit",
      text: "Priority: 40 ms\n",
      error: "Priority is not a whole number",
    },
    { what: "an empty priority", text: "Priority:\n", error: "Priority is not a whole number" },
    {
      what: "a priority past an int",
      text: "Priority: 9999999999\n",
      error: "Priority is not a whole number",
    },
    {
      what: "two store directories",
      text: "StoreDir: /a\nStoreDir: /b\n",
      error: "StoreDir is given twice",
    },
  ])("refuses $what", ({ text, error }) => {
    expect(errorOf(parseCacheInfo(text))).toBe(error);
  });

  it("reads what formatCacheInfo writes", () => {
    const info = fc.record({
      storeDir: fc.constantFrom("/nix/store", "/a", undefined),
      wantMassQuery: fc.boolean(),
      priority: fc.option(fc.integer({ min: -999, max: 999 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(info, (value) => {
        expect(valueOf(parseCacheInfo(formatCacheInfo(value)))).toEqual(value);
      }),
    );
  });
});

describe("formatCacheInfo", () => {
  it("writes Nix's three lines", () => {
    const info = { storeDir: "/nix/store", wantMassQuery: true, priority: 41 };
    expect(formatCacheInfo(info)).toBe("StoreDir: /nix/store\nWantMassQuery: 1\nPriority: 41\n");
  });
});
