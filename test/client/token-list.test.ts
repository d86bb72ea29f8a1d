import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseTokens, type TokenEntry } from "../../src/settings/token-entries.ts";
import {
  addToken,
  formatTokens,
  MAX_SECRET_BYTES,
  parseExpiry,
} from "../../src/client/token-list.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const TODAY = new Date("2026-11-25T22:30:00Z");

describe("addToken", () => {
  it("appends an entry with the hash of the token and not the token", () => {
    const first = valueOf(addToken([], "nargate_one", { name: "ci", scopes: ["push"] }));
    const second = valueOf(
      addToken(first, "nargate_two", { name: "b", scopes: ["read"], expires: "2026-12-31" }),
    );
    expect(second).toEqual([
      { name: "ci", sha256: sha256("nargate_one"), scopes: ["push"] },
      { name: "b", sha256: sha256("nargate_two"), scopes: ["read"], expires: "2026-12-31" },
    ]);
    expect(formatTokens(second)).not.toContain("nargate_");
  });

  it("makes what parseTokens reads", () => {
    const entries = valueOf(
      addToken([], "t", { name: "ci", scopes: ["push", "admin"], expires: "2026-12-31" }),
    );
    expect(valueOf(parseTokens(formatTokens(entries)))).toEqual(entries);
  });

  it("refuses a name that is taken, and leaves the list alone", () => {
    const entries = valueOf(addToken([], "nargate_one", { name: "ci", scopes: ["push"] }));
    expect(errorOf(addToken(entries, "nargate_two", { name: "ci", scopes: ["read"] }))).toBe(
      "a token with the name ci already exists. Revoke it first, or use another name",
    );
    expect(entries).toHaveLength(1);
  });

  it("fills a secret to its last byte, and refuses what goes past it", () => {
    let entries: readonly TokenEntry[] = [];
    for (let index = 0; ; index++) {
      const added = addToken(entries, `t${index}`, { name: `n${index}`, scopes: ["push"] });
      if (!added.ok) break;
      entries = added.value;
    }
    // An entry has about 110 bytes.
    expect(entries.length).toBeGreaterThan(40);
    const left = MAX_SECRET_BYTES - formatTokens(entries).length;
    const entry = { name: "", sha256: sha256("last"), scopes: ["push"] };
    const overhead = JSON.stringify(entry).length + 1;
    const fits = (length: number) =>
      addToken(entries.slice(0, -1), "last", { name: "n".repeat(length), scopes: ["push"] }).ok;
    const replaced = JSON.stringify(entries.at(-1)).length + 1;
    expect(fits(left + replaced - overhead)).toBe(true);
    expect(fits(left + replaced - overhead + 1)).toBe(false);
    expect(errorOf(addToken(entries, "last", { name: "n".repeat(64), scopes: ["push"] }))).toMatch(
      /^TOKENS is full: it has \d+ tokens, and a secret holds 5120 bytes\. Revoke tokens/,
    );
  });
});

describe("parseExpiry", () => {
  it.each([
    { what: "a day", text: "2026-12-31", day: "2026-12-31" },
    { what: "a day of a leap year", text: "2028-02-29", day: "2028-02-29" },
    { what: "today", text: "0d", day: "2026-11-25" },
    { what: "a number of days", text: "90d", day: "2027-02-23" },
    { what: "days past the end of a leap February", text: "462d", day: "2028-03-01" },
  ])("reads $what", ({ text, day }) => {
    expect(valueOf(parseExpiry(text, TODAY))).toBe(day);
  });

  it.each([
    "",
    "90",
    "d",
    "-1d",
    "1.5d",
    "12345d",
    "2026-13-01",
    "2026-00-10",
    "31.12.2026",
    "2026-12-31T00:00",
  ])("refuses '%s'", (text) => {
    expect(errorOf(parseExpiry(text, TODAY))).toMatch(/^--expires must be a day such as/);
  });

  it.each(["2026-02-29", "2026-02-30", "2026-04-31"])(
    "refuses %s, which is not in the calendar",
    (text) => {
      expect(errorOf(parseExpiry(text, TODAY))).toMatch(/^--expires must be a day such as/);
    },
  );
});

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
