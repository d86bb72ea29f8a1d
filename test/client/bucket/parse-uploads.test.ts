import { describe, expect, it } from "vitest";
import { parseUploads } from "../../../src/client/bucket/parse-uploads.ts";

const upload = (key: string) =>
  `<Upload><Key>${key}</Key><UploadId>u</UploadId><Initiated>2026-11-28T10:00:00.000Z</Initiated></Upload>`;
const list = (inner: string, prefix = "nix/") =>
  `<ListMultipartUploadsResult xmlns="x"><Prefix>${prefix}</Prefix>${inner}</ListMultipartUploadsResult>`;

describe("parseUploads", () => {
  it("cuts the prefix off, and reads the time", () => {
    expect(parseUploads(list(upload("nix/.incoming/a&amp;b")), "nix/")).toEqual({
      ok: true,
      value: {
        uploads: [{ path: ".incoming/a&b", startedSeconds: Date.UTC(2026, 10, 28, 10) / 1000 }],
        next: undefined,
      },
    });
  });

  it("gives the markers of the next page", () => {
    const more =
      "<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker><NextUploadIdMarker>i</NextUploadIdMarker>";
    expect(parseUploads(list(more + upload("nix/a")), "nix/")).toMatchObject({
      value: { next: { "key-marker": "k", "upload-id-marker": "i" } },
    });
  });

  it.each([
    { what: "an HTML page", xml: "<html>Sign in</html>" },
    { what: "a list of another prefix", xml: list("", "photos/") },
    { what: "a key outside the prefix", xml: list(upload("photos/1.jpg")) },
    { what: "an upload without a key", xml: list("<Upload></Upload>") },
    {
      what: "more without a marker",
      xml: list(`<IsTruncated>true</IsTruncated>${upload("nix/a")}`),
    },
    {
      what: "more and no upload",
      xml: list("<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"),
    },
  ])("refuses $what", ({ xml }) => {
    expect(parseUploads(xml, "nix/").ok).toBe(false);
  });
});
