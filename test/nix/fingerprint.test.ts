import { describe, expect, it } from "vitest";
import { equalFingerprints, formatFingerprint } from "../../src/nix/fingerprint.ts";
import { parseNarinfo } from "../../src/nix/narinfo.ts";
import { CURL_NARINFO } from "./data/cache-nixos-org.ts";
import {
  NARINFO_BZIP2_TWO_SIGNATURES,
  NARINFO_NONE_SELF_REFERENCE,
  NARINFO_ZSTD_NO_REFERENCES,
} from "./data/narinfos.ts";
import { valueOf } from "../../testkit/value-of.ts";

const parse = (text: string) => valueOf(parseNarinfo(text, "/nix/store"));

// That these are what Nix signs is proved in signature.test.ts.
describe("formatFingerprint", () => {
  it("joins path, hash, size and full references", () => {
    expect(formatFingerprint(parse(NARINFO_NONE_SELF_REFERENCE), "/nix/store")).toBe(
      "1;/nix/store/gf9v1biwnaggkpf9fanzlncj8fd9gwhv-self-1.0" +
        ";sha256:0ppkx47zlcxm4znr31fa4p7rdfsx2yb2bswn9l3kmj4arp3hr23r;216" +
        ";/nix/store/gf9v1biwnaggkpf9fanzlncj8fd9gwhv-self-1.0" +
        ",/nix/store/z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep",
    );
  });

  it("ends in a semicolon without references", () => {
    expect(formatFingerprint(parse(NARINFO_ZSTD_NO_REFERENCES), "/nix/store")).toBe(
      "1;/nix/store/59w69024c8xcdrd5g1pq6iy0mr6y1lff-tree" +
        ";sha256:1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c;872;",
    );
  });

  it("sorts references by bytes, capitals first", () => {
    const hash = "59w69024c8xcdrd5g1pq6iy0mr6y1lff";
    const line = `References: ${hash}-b ${hash}-a ${hash}-B ${hash}-a-b ${hash}-a.b`;
    const narinfo = parse(NARINFO_ZSTD_NO_REFERENCES.replace("References: ", line));
    const references = formatFingerprint(narinfo, "").split(";")[4];
    expect(references?.replaceAll(`/${hash}-`, "")).toBe("B,a,a-b,a.b,b");
  });
});

describe("equalFingerprints", () => {
  it("holds whatever the compression and the signatures", () => {
    const [a, b] = [parse(NARINFO_NONE_SELF_REFERENCE), parse(NARINFO_BZIP2_TWO_SIGNATURES)];
    expect(equalFingerprints(a, b)).toBe(true);
  });

  it("holds for another encoding of the hash and order of the references", () => {
    const text = CURL_NARINFO.replace(
      /References: (\S+) (\S+)/,
      (_, first: string, second: string) => `References: ${second} ${first}`,
    );
    expect(text).not.toBe(CURL_NARINFO);
    expect(equalFingerprints(parse(CURL_NARINFO), parse(text))).toBe(true);
    const sri = NARINFO_ZSTD_NO_REFERENCES.replace(
      /NarHash: .*/,
      "NarHash: sha256-7ISE7clYo2IAav9tLhF6OJIkZa25yV89jm/8aon34es=",
    );
    expect(equalFingerprints(parse(NARINFO_ZSTD_NO_REFERENCES), parse(sri))).toBe(true);
  });

  it.each([
    { what: "another name", from: "-curl-7.82.0-bin\n", to: "-curl-7.82.0-lib\n" },
    { what: "another NarSize", from: "NarSize: 196040", to: "NarSize: 196041" },
    { what: "another NarHash", from: "NarHash: sha256:1b4sb9", to: "NarHash: sha256:1b4sb8" },
    { what: "a reference less", from: "0jqd0rlxzra1rs38rdxl43yh6rxchgc6-curl-7.82.0 ", to: "" },
  ])("fails for $what", ({ from, to }) => {
    const other = CURL_NARINFO.replace(from, to);
    expect(other).not.toBe(CURL_NARINFO);
    expect(equalFingerprints(parse(CURL_NARINFO), parse(other))).toBe(false);
  });
});
