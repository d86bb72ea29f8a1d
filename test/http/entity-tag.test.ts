import { describe, expect, it } from "vitest";
import { matchesEntityTag } from "../../src/http/request-headers.ts";

describe("matchesEntityTag", () => {
  it.each([
    { what: "the same tag", header: '"a"', etag: '"a"', matches: true },
    { what: "any tag by *", header: " * ", etag: '"a"', matches: true },
    { what: "one of several", header: '"b", "a" , "c"', etag: '"a"', matches: true },
    { what: "a weak tag for a strong one", header: 'W/"a"', etag: '"a"', matches: true },
    { what: "a strong tag for a weak one", header: '"a"', etag: 'W/"a"', matches: true },
    { what: "no header", header: null, etag: '"a"', matches: false },
    { what: "an absent header", header: undefined, etag: '"a"', matches: false },
    { what: "another tag", header: '"b"', etag: '"a"', matches: false },
    { what: "a tag that begins so", header: '"ab"', etag: '"a"', matches: false },
    { what: "a tag without quotes", header: "a", etag: '"a"', matches: false },
    { what: "a lower-case w", header: 'w/"a"', etag: '"a"', matches: false },
    { what: "an empty header", header: "", etag: '"a"', matches: false },
  ])("answers $matches to $what", ({ header, etag, matches }) => {
    expect(matchesEntityTag(header, etag)).toBe(matches);
  });
});
