import { describe, expect, it } from "vitest";
import { parseListing } from "../../../src/client/bucket/parse-listing.ts";

const listing = (inner: string, prefix = "nix/nar/") =>
  `<?xml version="1.0"?>\n<ListBucketResult xmlns="x"><Prefix>${prefix}</Prefix>${inner}</ListBucketResult>`;
const contents = (key: string, size = "7", time = "2026-11-28T10:00:00.999Z") =>
  `<Contents><Key>${key}</Key><LastModified>${time}</LastModified><Size>${size}</Size></Contents>`;

describe("parseListing", () => {
  it("cuts the prefix off, decodes entities, and reads times", () => {
    const xml = listing(`${contents("nix/nar/a")}${contents("nix/nar/&lt;&#38;", "0", "x")}`);
    expect(parseListing(xml, "nix/", "nix/nar/")).toEqual({
      ok: true,
      value: {
        entries: [
          { path: "nar/a", sizeBytes: 7, modifiedSeconds: Date.UTC(2026, 10, 28, 10) / 1000 },
          { path: "nar/<&", sizeBytes: 0, modifiedSeconds: undefined },
        ],
        continuation: undefined,
      },
    });
  });

  it("gives the token of the next page only if there is one", () => {
    const token = "<NextContinuationToken>t&amp;1</NextContinuationToken>";
    const read = (truncated: boolean) =>
      parseListing(listing(`<IsTruncated>${truncated}</IsTruncated>${token}`), "nix/", "nix/nar/");
    expect(read(true)).toMatchObject({ value: { continuation: "t&1" } });
    expect(read(false)).toMatchObject({ value: { continuation: undefined } });
  });

  it.each([
    { what: "an HTML page", xml: "<html>Sign in</html>" },
    { what: "nothing", xml: "" },
    { what: "a listing that is cut", xml: listing(contents("nix/nar/a")).slice(0, -5) },
    { what: "another prefix", xml: listing("", "photos/") },
    { what: "a key outside the prefix", xml: listing(contents("photos/1.jpg")) },
    { what: "an object without a key", xml: listing("<Contents><Size>1</Size></Contents>") },
    { what: "a size that is no number", xml: listing(contents("nix/nar/a", "-1")) },
    { what: "more without a token", xml: listing("<IsTruncated>true</IsTruncated>") },
  ])("refuses $what", ({ xml }) => {
    expect(parseListing(xml, "nix/", "nix/nar/").ok).toBe(false);
  });
});
