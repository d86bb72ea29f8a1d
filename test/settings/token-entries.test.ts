import { describe, expect, it } from "vitest";
import { hasScope, type Scope, SCOPES } from "../../src/api/tokens.ts";
import { isCurrent, parseTokens, type TokenEntry } from "../../src/settings/token-entries.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const SHA256 = "0a".repeat(32);
const CI: TokenEntry = { name: "ci", sha256: SHA256, scopes: ["push"] };

function errorOfEntry(entry: unknown): string {
  return errorOf(parseTokens(JSON.stringify([entry])));
}

describe("parseTokens", () => {
  it("reads a list of entries", () => {
    const entries: TokenEntry[] = [
      CI,
      { name: "a.b@c-d_1", sha256: SHA256, scopes: ["read", "admin"], expires: "2026-12-31" },
    ];
    expect(valueOf(parseTokens(JSON.stringify(entries)))).toEqual(entries);
    expect(valueOf(parseTokens("[]"))).toEqual([]);
  });

  it.each([
    { what: "nothing", text: "", error: "is not JSON" },
    { what: "a token by itself", text: "nargate_abc", error: "is not JSON" },
    { what: "an object", text: "{}", error: "is not a JSON array" },
    { what: "null", text: "null", error: "is not a JSON array" },
    { what: "a text", text: '"[]"', error: "is not a JSON array" },
  ])("refuses $what", ({ text, error }) => {
    expect(errorOf(parseTokens(text))).toBe(error);
  });

  it.each([
    { what: "null", entry: null, error: "is not an object" },
    { what: "a text", entry: "ci", error: "is not an object" },
    { what: "an array", entry: [], error: "is not an object" },
    {
      what: "an unknown field",
      entry: { ...CI, scope: "push" },
      error: "has a field other than name, sha256, scopes, expires",
    },
    {
      what: "the token itself",
      entry: { ...CI, token: "t" },
      error: "has a field other than name, sha256, scopes, expires",
    },
    {
      what: "no name",
      entry: { ...CI, name: undefined },
      error: "needs a name of 1 to 64 letters, digits and _ . @ -",
    },
    {
      what: "an empty name",
      entry: { ...CI, name: "" },
      error: "needs a name of 1 to 64 letters, digits and _ . @ -",
    },
    {
      what: "a name of 65",
      entry: { ...CI, name: "n".repeat(65) },
      error: "needs a name of 1 to 64 letters, digits and _ . @ -",
    },
    {
      what: "a name with a newline",
      entry: { ...CI, name: "a\nb" },
      error: "needs a name of 1 to 64 letters, digits and _ . @ -",
    },
    {
      what: "a name that is a number",
      entry: { ...CI, name: 1 },
      error: "needs a name of 1 to 64 letters, digits and _ . @ -",
    },
    {
      what: "no hash",
      entry: { ...CI, sha256: undefined },
      error: "needs sha256, which is 64 lower-case hex digits",
    },
    {
      what: "a hash in capitals",
      entry: { ...CI, sha256: SHA256.toUpperCase() },
      error: "needs sha256, which is 64 lower-case hex digits",
    },
    {
      what: "a hash too short",
      entry: { ...CI, sha256: SHA256.slice(1) },
      error: "needs sha256, which is 64 lower-case hex digits",
    },
    {
      what: "a token where its hash belongs",
      entry: { ...CI, sha256: "nargate_secret" },
      error: "needs sha256, which is 64 lower-case hex digits",
    },
    {
      what: "no scopes",
      entry: { ...CI, scopes: undefined },
      error: "needs a list of scopes, each of them one of read, push, admin",
    },
    {
      what: "an empty list of scopes",
      entry: { ...CI, scopes: [] },
      error: "needs a list of scopes, each of them one of read, push, admin",
    },
    {
      what: "an unknown scope",
      entry: { ...CI, scopes: ["push", "write"] },
      error: "needs a list of scopes, each of them one of read, push, admin",
    },
    {
      what: "a scope that is no list",
      entry: { ...CI, scopes: "push" },
      error: "needs a list of scopes, each of them one of read, push, admin",
    },
    {
      what: "an expiry with a time",
      entry: { ...CI, expires: "2026-12-31T00:00:00Z" },
      error: "has a value of expires that is not a calendar day as YYYY-MM-DD",
    },
    {
      what: "a day that is not in the calendar",
      entry: { ...CI, expires: "2026-02-30" },
      error: "has a value of expires that is not a calendar day as YYYY-MM-DD",
    },
    {
      what: "an expiry that is a number",
      entry: { ...CI, expires: 20_261_231 },
      error: "has a value of expires that is not a calendar day as YYYY-MM-DD",
    },
    {
      what: "an expiry of null",
      entry: { ...CI, expires: null },
      error: "has a value of expires that is not a calendar day as YYYY-MM-DD",
    },
  ])("refuses an entry with $what", ({ entry, error }) => {
    expect(errorOfEntry(entry)).toBe(`entry 1 ${error}`);
  });

  it("refuses a name that stands twice, and names the entry by its place", () => {
    const twice = [CI, { ...CI, name: "other" }, { ...CI, sha256: "0b".repeat(32) }];
    expect(errorOf(parseTokens(JSON.stringify(twice)))).toBe(
      "entry 3 has the same name as an earlier entry",
    );
  });

  it("takes __proto__ for the unknown field that it is", () => {
    const text = `[{"__proto__":{"scopes":["admin"]},"name":"ci","sha256":"${SHA256}"}]`;
    expect(errorOf(parseTokens(text))).toBe(
      "entry 1 has a field other than name, sha256, scopes, expires",
    );
  });
});

describe("isCurrent", () => {
  const entry: TokenEntry = { ...CI, expires: "2026-12-31" };

  it.each([
    { what: "long before", now: "2020-01-01T00:00:00Z", current: true },
    { what: "at the beginning of its last day", now: "2026-12-31T00:00:00Z", current: true },
    { what: "in the last millisecond of it", now: "2026-12-31T23:59:59.999Z", current: true },
    { what: "when the day is over", now: "2027-01-01T00:00:00Z", current: false },
    { what: "while it lasts west of Greenwich", now: "2026-12-31T23:00:00-08:00", current: false },
  ])("is $current $what", ({ now, current }) => {
    expect(isCurrent(entry, new Date(now))).toBe(current);
  });

  it("is true for ever without an expiry", () => {
    expect(isCurrent(CI, new Date("9999-12-31T00:00:00Z"))).toBe(true);
  });
});

describe("hasScope", () => {
  const INCLUDED: Record<Scope, readonly Scope[]> = {
    read: ["read"],
    push: ["read", "push"],
    admin: ["read", "push", "admin"],
  };

  it.each(SCOPES)("lets %s do what it includes and no more", (held) => {
    const allowed = SCOPES.filter((scope) => hasScope({ ...CI, scopes: [held] }, scope));
    expect(allowed).toEqual(INCLUDED[held]);
  });

  it("takes the widest of several", () => {
    expect(hasScope({ ...CI, scopes: ["read", "admin"] }, "push")).toBe(true);
    expect(hasScope({ ...CI, scopes: ["push", "read"] }, "admin")).toBe(false);
  });
});
