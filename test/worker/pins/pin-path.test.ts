import { describe, expect, it } from "vitest";
import type { NamedRevision, PinKeep } from "../../../src/api/pins.ts";
import { parseStorePathBaseName } from "../../../src/nix/store-path.ts";
import { formatPinPath, parsePinPath } from "../../../src/worker/pins/pin-path.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const AT = 1_795_867_200_000;

function named(
  { name = "main", storeName = "hello-2.12", by = "ci", keep = "forever" as PinKeep } = {},
  at = AT,
): NamedRevision {
  const path = valueOf(parseStorePathBaseName(`${HASH}-${storeName}`));
  return { name, revision: { path, at: new Date(at), by, keep } };
}

const PATH = `.nargate/pins/main/${AT}-forever/${HASH}-hello-2.12/by-ci`;

describe("the path of a revision", () => {
  it("says all, and sorts by time below the name of its pin", () => {
    expect(formatPinPath(named())).toBe(PATH);
    expect(formatPinPath(named({}, 1))).toBe(PATH.replace(String(AT), "0000000000001"));
  });

  it.each([
    { what: "a name in capital letters", pin: named({ name: "V1.0_x-Y" }) },
    { what: "every character of a store path", pin: named({ storeName: "a+b-c.d_e?f=g" }) },
    { what: "a rule of days", pin: named({ keep: { days: 36_500 } }) },
    { what: "a rule of revisions", pin: named({ keep: { revisions: 3 } }) },
    { what: "the name of an OIDC identity", pin: named({ by: "github:octo-org/octo=repo" }) },
    { what: "a name of dots", pin: named({ by: ".." }) },
    { what: "every printable character", pin: named({ by: "!\"#$%&'()*+,/;<=>?[\\]^`{|}~ " }) },
  ])("comes back as it was: $what", ({ pin }) => {
    expect(parsePinPath(formatPinPath(pin))).toEqual({ ok: true, value: pin });
  });

  it("fits a key of the bucket with the longest names, of which the token's is cut", () => {
    const longest = named({
      name: "n".repeat(100),
      storeName: "s".repeat(211),
      by: "/".repeat(600),
      keep: { days: 36_500 },
    });
    expect(formatPinPath(longest).length).toBeLessThanOrEqual(800);
    expect(valueOf(parsePinPath(formatPinPath(longest))).revision.by).toBe("/".repeat(120));
  });

  it.each([
    "",
    ".nargate/pins/",
    ".nargate/pins/main",
    ".nargate/pins/main/.bzEmpty",
    PATH.slice(0, -"/by-ci".length),
    `${PATH}/more`,
    PATH.replace("main", "-main"),
    PATH.replace("main", ".."),
    PATH.replace(String(AT), "1"),
    PATH.replace("forever", "0d"),
    PATH.replace("forever", "36501d"),
    PATH.replace("forever", "1001r"),
    PATH.replace("forever", "03r"),
    PATH.replace("forever", "3w"),
    PATH.replace("hello", "he llo"),
    PATH.replace(HASH, HASH.toUpperCase()),
    PATH.replace("by-ci", "by-=63i"),
    PATH.replace("by-ci", "by-=2f"),
    PATH.replace("by-ci", "by-=FF"),
    PATH.replace("by-ci", "by-=2"),
    PATH.replace(".nargate/pins", ".nargate/pin"),
    PATH.replace("main", "n".repeat(101)),
    PATH.replace("by-ci", "by-c/i"),
    PATH.replace("by-ci", "by-ü"),
    PATH.replace("by-ci", `by-${"c".repeat(121)}`),
    PATH.replace("by-ci", "by-ci\n"),
  ])("is nothing but this spelling: %j", (path) => {
    expect(parsePinPath(path)).toEqual({ ok: false, error: "is not a pin" });
  });
});
