import { describe, expect, it } from "vitest";
import {
  gatherPins,
  keptRevisions,
  parsePinName,
  type PinKeep,
  type PinRevision,
} from "../../src/api/pins.ts";
import { readShape } from "../../src/api/read-shape.ts";
import { setPinSchema } from "../../src/api/pins.ts";
import { parseStorePathBaseName } from "../../src/nix/store-path.ts";
import { valueOf } from "../../testkit/value-of.ts";

const DAY = 86_400_000;
const NOW = new Date("2026-11-28T12:00:00Z");

/** A revision of the path that begins with this digit, some days ago. */
function revision(digit: string, daysAgo: number, keep: PinKeep = "forever"): PinRevision {
  const path = valueOf(parseStorePathBaseName(`${digit.repeat(32)}-thing`));
  return { path, at: new Date(NOW.getTime() - daysAgo * DAY), by: "ci", keep };
}

const keptOf = (revisions: readonly PinRevision[]) =>
  keptRevisions({ name: "main", revisions }, NOW)
    .map(({ path }) => path.hash.charAt(0))
    .join("");

describe("keptRevisions", () => {
  it.each<{ what: string; revisions: readonly PinRevision[]; kept: string }>([
    {
      what: "all of them by default, the newest first",
      revisions: [revision("a", 900), revision("c", 1), revision("b", 2)],
      kept: "cba",
    },
    {
      what: "the last two",
      revisions: [revision("a", 3), revision("b", 2), revision("c", 1, { revisions: 2 })],
      kept: "cb",
    },
    {
      what: "what the newest revision says, whatever older ones say",
      revisions: [
        revision("a", 3, { revisions: 1 }),
        revision("b", 2, { revisions: 1 }),
        revision("c", 1),
      ],
      kept: "cba",
    },
    {
      what: "a path once, as often as it was pinned",
      revisions: [revision("a", 3), revision("b", 2), revision("b", 1, { revisions: 2 })],
      kept: "ba",
    },
    {
      what: "the last three days, to the millisecond",
      revisions: [revision("a", 3 + 1 / DAY), revision("b", 3), revision("c", 1, { days: 3 })],
      kept: "cb",
    },
    {
      what: "nothing once the newest is too old",
      revisions: [revision("a", 9), revision("b", 4, { days: 3 })],
      kept: "",
    },
    {
      what: "a revision of a clock that is ahead",
      revisions: [revision("a", -1, { days: 1 })],
      kept: "a",
    },
    { what: "nothing of a pin without revisions", revisions: [], kept: "" },
  ])("keeps $what", ({ revisions, kept }) => {
    expect(keptOf(revisions)).toBe(kept);
    expect(keptOf(revisions.toReversed())).toBe(kept);
  });
});

describe("gatherPins", () => {
  it("puts the revisions of one name together, the newest first", () => {
    const pins = gatherPins([
      { name: "a-b", revision: revision("b", 1) },
      { name: "a", revision: revision("a", 2) },
      { name: "a", revision: revision("c", 1) },
    ]);
    expect(pins.map(({ name }) => name)).toEqual(["a", "a-b"]);
    expect(pins[0]?.revisions.map(({ path }) => path.hash.charAt(0))).toEqual(["c", "a"]);
  });
});

describe("parsePinName", () => {
  it.each(["main", "v1.0", "A", "pr_1-2", "0", "x".repeat(100)])("takes %s", (name) => {
    expect(parsePinName(name).ok).toBe(true);
  });

  it.each(["", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "ä", "a\n", "x".repeat(101)])(
    "refuses %j",
    (name) => {
      expect(parsePinName(name).ok).toBe(false);
    },
  );
});

describe("setPinSchema", () => {
  const path = `${"a".repeat(32)}-thing`;

  it.each<{ keep: unknown }>([
    { keep: "forever" },
    { keep: { days: 1 } },
    { keep: { days: 36_500 } },
    { keep: { revisions: 1000 } },
  ])("takes $keep", ({ keep }) => {
    expect(readShape(setPinSchema, { name: "main", path, keep }).ok).toBe(true);
  });

  it.each<{ keep: unknown }>([
    { keep: "never" },
    { keep: undefined },
    { keep: { days: 0 } },
    { keep: { days: 36_501 } },
    { keep: { days: 1.5 } },
    { keep: { revisions: 1001 } },
    { keep: {} },
  ])("refuses to keep $keep, with the choices", ({ keep }) => {
    expect(readShape(setPinSchema, { name: "main", path, keep })).toEqual({
      ok: false,
      error: 'keep is not "forever", { "days": 1 to 36500 } or { "revisions": 1 to 1000 }',
    });
  });

  it.each([
    { what: "a whole path", value: `/nix/store/${path}` },
    { what: "a hash", value: "a".repeat(32) },
    { what: "a path that leads elsewhere", value: "../../secret" },
  ])("refuses $what", ({ value }) => {
    const shape = readShape(setPinSchema, { name: "main", path: value, keep: "forever" });
    expect(shape).toEqual({ ok: false, error: "path is not <hash>-<name> of a store path" });
  });
});
