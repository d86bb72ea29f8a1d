import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatHash } from "../../src/nix/hash.ts";
import { formatNarinfo, MAX_NARINFO_BYTES, parseNarinfo } from "../../src/nix/narinfo.ts";
import { formatStorePathBaseName } from "../../src/nix/store-path.ts";
import { CURL_NARINFO, HELLO_NARINFO } from "./data/cache-nixos-org.ts";
import {
  NARINFO_BZIP2_TWO_SIGNATURES,
  NARINFO_NONE_SELF_REFERENCE,
  NARINFO_SYSTEM,
  NARINFO_XZ_TEXT_CA,
  NARINFO_ZSTD_NO_REFERENCES,
  NARINFOS,
} from "./data/narinfos.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const parse = (text: string) => parseNarinfo(text, "/nix/store");

/** The narinfo with one line replaced, or left out. */
function edit(text: string, field: string, line: string): string {
  const edited = text.replace(new RegExp(`^${field}: .*\n`, "m"), line);
  expect(edited).not.toBe(text);
  return edited;
}

describe("parseNarinfo", () => {
  it("reads every field that Nix wrote", () => {
    const narinfo = valueOf(parse(NARINFO_XZ_TEXT_CA));
    expect(narinfo.storePath).toEqual({ hash: "agxmgsimp53gm2vspza5szan5qdi6pir", name: "gamma" });
    expect(narinfo.url).toBe("nar/0ldja9z3nj04f60vqyn98dmrykngp00m3nqyrlr3m4kmvl4bvdxh.nar.xz");
    expect(narinfo.compression).toBe("xz");
    expect(narinfo.fileHash && formatHash(narinfo.fileHash, "nix32")).toBe(
      "sha256:0ldja9z3nj04f60vqyn98dmrykngp00m3nqyrlr3m4kmvl4bvdxh",
    );
    expect(narinfo.fileSize).toBe(212);
    expect(formatHash(narinfo.narHash, "nix32")).toBe(
      "sha256:0p0sl8qzlmyjryzxxmdyr8mfmm9qhv52iz5a9prnndrwivgiwrd3",
    );
    expect(narinfo.narSize).toBe(224);
    expect(narinfo.references.map(formatStorePathBaseName)).toEqual([
      "ndpavridxbpr74wr1llr3ns93fxpz68w-beta.txt",
      "ygq2xvxwjrz2qwzvqjcsk4vvha8f9c7v-alpha.txt",
    ]);
    expect(narinfo.deriver).toBeUndefined();
    expect(narinfo.signatures).toHaveLength(1);
    expect(narinfo.contentAddress).toBe(
      "text:sha256:0nxyr0hvxwd4gzqqm9lcik3i3880bqbifzysyin460frdsvd26n1",
    );
  });

  it("reads all signatures in order", () => {
    const { signatures } = valueOf(parse(NARINFO_BZIP2_TWO_SIGNATURES));
    expect(signatures.map((signature) => signature.split(":")[0])).toEqual([
      "nargate-test-1",
      "nargate-test-2",
    ]);
  });

  it("reads the deriver", () => {
    const { deriver } = valueOf(parse(NARINFO_NONE_SELF_REFERENCE));
    expect(deriver).toBe("ywdj33qhl0k56g59ali18dg9vm4r3fzw-self-1.0.drv");
  });

  it("reads no references", () => {
    expect(valueOf(parse(NARINFO_ZSTD_NO_REFERENCES)).references).toEqual([]);
  });

  it("keeps unknown fields", () => {
    const { fields } = valueOf(parse(NARINFO_SYSTEM));
    expect(fields).toContainEqual({ name: "System", value: "x86_64-linux" });
  });

  it("gives a repeated reference once", () => {
    const reference = "z4asv3j07d89ywjf8fxkn7sg6mf5s9q5-dep";
    const line = `References: ${reference}  ${reference} \n`;
    const { references } = valueOf(parse(edit(NARINFO_ZSTD_NO_REFERENCES, "References", line)));
    expect(references.map(formatStorePathBaseName)).toEqual([reference]);
  });

  // Each asked of Nix 2.8.0 itself, with `nix path-info --json --store file://…`.
  it.each([
    {
      what: "an SRI hash",
      field: "NarHash",
      line: "NarHash: sha256-7ISE7clYo2IAav9tLhF6OJIkZa25yV89jm/8aon34es=\n",
    },
    {
      what: "a base16 hash",
      field: "NarHash",
      line: "NarHash: sha256:ec8484edc958a362006aff6d2e117a38922465adb9c95f3d8e6ffc6a89f7e1eb\n",
    },
    { what: "no Compression", field: "Compression", line: "" },
    { what: "a Sig that is none", field: "CA", line: "Sig: junk\n" },
    { what: "no References", field: "References", line: "" },
    { what: "no FileHash", field: "FileHash", line: "" },
    { what: "no FileSize", field: "FileSize", line: "" },
    { what: "an unknown deriver", field: "CA", line: "Deriver: unknown-deriver\n" },
    { what: "an empty CA", field: "CA", line: "CA: \n" },
    { what: "an unknown Compression", field: "Compression", line: "Compression: zst\n" },
  ])("takes $what", ({ field, line }) => {
    const text = edit(NARINFO_ZSTD_NO_REFERENCES, field, line);
    const narinfo = valueOf(parse(text));
    expect(narinfo.narHash).toEqual(valueOf(parse(NARINFO_ZSTD_NO_REFERENCES)).narHash);
    expect(narinfo.deriver).toBeUndefined();
    expect(formatNarinfo(narinfo)).toBe(text);
  });

  it.each(["Compression: \n", ""])("takes a compression of %j for bzip2", (line) => {
    const text = edit(NARINFO_ZSTD_NO_REFERENCES, "Compression", line);
    expect(valueOf(parse(text)).compression).toBe("bzip2");
  });

  it("takes an empty CA for none", () => {
    const text = edit(NARINFO_ZSTD_NO_REFERENCES, "CA", "CA: \n");
    expect(valueOf(parse(text)).contentAddress).toBeUndefined();
  });

  it.each([
    { what: "no StorePath", field: "StorePath", line: "", error: "StorePath is missing" },
    {
      what: "a path elsewhere",
      field: "StorePath",
      line: "StorePath: /gnu/store/59w69024c8xcdrd5g1pq6iy0mr6y1lff-tree\n",
      error: "StorePath is wrong: store path is not in the store directory",
    },
    {
      what: "a base name",
      field: "StorePath",
      line: "StorePath: 59w69024c8xcdrd5g1pq6iy0mr6y1lff-tree\n",
      error: "StorePath is wrong: store path is not in the store directory",
    },
    { what: "no URL", field: "URL", line: "", error: "URL is missing" },
    { what: "an empty URL", field: "URL", line: "URL: \n", error: "URL is missing" },
    { what: "no NarHash", field: "NarHash", line: "", error: "NarHash is missing" },
    {
      what: "an empty NarHash",
      field: "NarHash",
      line: "NarHash: \n",
      error: "NarHash is wrong: hash does not begin with an algorithm, as in sha256:",
    },
    {
      what: "a sha1 NarHash",
      field: "NarHash",
      line: "NarHash: sha1:c22vd2p3vh6zqjhc7y5awpdg1avm4ln0\n",
      error: "NarHash is not a sha256 hash",
    },
    {
      what: "a bad FileHash",
      field: "FileHash",
      line: "FileHash: x\n",
      error: "FileHash is wrong: hash does not begin with an algorithm, as in sha256:",
    },
    { what: "no NarSize", field: "NarSize", line: "", error: "NarSize is missing" },
    { what: "a NarSize of zero", field: "NarSize", line: "NarSize: 0\n", error: "NarSize is zero" },
    {
      what: "a full path as reference",
      field: "References",
      line: "References: /nix/store/59w69024c8xcdrd5g1pq6iy0mr6y1lff-tree\n",
      error: "References is wrong: store path has no dash after 32 characters",
    },
    {
      what: "a comma between references",
      field: "References",
      line: "References: 59w69024c8xcdrd5g1pq6iy0mr6y1lff-a,59w69024c8xcdrd5g1pq6iy0mr6y1lff-b\n",
      error:
        "References is wrong: store path name holds a character other than A-Z, a-z, 0-9 and + - . _ ? =",
    },
    {
      what: "an empty Deriver",
      field: "References",
      line: "Deriver: \n",
      error: "Deriver is wrong: store path has no dash after 32 characters",
    },
    {
      what: "a bad CA",
      field: "CA",
      line: "CA: fixed\n",
      error:
        "CA is wrong: content address is not text:<hash>, fixed:<hash>, fixed:r:<hash> or fixed:git:<hash>",
    },
    {
      what: "a text by another hash than SHA-256",
      field: "CA",
      line: "CA: text:sha1:c22vd2p3vh6zqjhc7y5awpdg1avm4ln0\n",
      error: "CA is wrong: the hash of a text content address must be sha256",
    },
    {
      what: "a second NarSize",
      field: "CA",
      line: "NarSize: 873\n",
      error: "line 9 repeats the field NarSize",
    },
  ])("refuses $what", ({ field, line, error }) => {
    expect(errorOf(parse(edit(NARINFO_ZSTD_NO_REFERENCES, field, line)))).toBe(error);
  });

  it.each(["", "-872", "+872", "0872", "0x10", "1e3", "872 ", "8.0", "9007199254740992"])(
    "refuses a size of %j",
    (size) => {
      for (const field of ["NarSize", "FileSize"]) {
        const text = edit(NARINFO_ZSTD_NO_REFERENCES, field, `${field}: ${size}\n`);
        expect(errorOf(parse(text))).toBe(
          `${field} is wrong: it is not a number of bytes in plain digits`,
        );
      }
    },
  );

  it("takes the largest exact size", () => {
    const text = edit(NARINFO_ZSTD_NO_REFERENCES, "NarSize", "NarSize: 9007199254740991\n");
    expect(valueOf(parse(text)).narSize).toBe(Number.MAX_SAFE_INTEGER);
  });

  it.each([
    {
      what: "text",
      text: NARINFO_XZ_TEXT_CA.replace(
        /References: .*/,
        "References: agxmgsimp53gm2vspza5szan5qdi6pir-gamma",
      ),
    },
    {
      what: "a flat file",
      text: NARINFO_NONE_SELF_REFERENCE.replace(
        /$/,
        "CA: fixed:sha256:1xk2hhjr0f2n4adj1h688wlz59xpl86y1r8bd2pjasg8gy16mikb\n",
      ),
    },
  ])("refuses $what that refers to itself, on which Nix aborts or throws", ({ text }) => {
    expect(errorOf(parse(text))).toMatch(/^CA is wrong: .* cannot have /);
  });

  it.each([
    { what: "a page of HTML", text: "<!DOCTYPE html>\n<html>\n" },
    { what: "a byte order mark", text: `\ufeff${NARINFO_XZ_TEXT_CA}` },
    { what: "a narinfo cut short", text: NARINFO_XZ_TEXT_CA.slice(0, -1) },
    { what: "a narinfo with CRLF", text: NARINFO_XZ_TEXT_CA.replaceAll("\n", "\r\n") },
  ])("refuses $what", ({ text }) => {
    expect(parse(text).ok).toBe(false);
  });

  it("never throws, and answers in one short clause of printable ASCII or with the same bytes", () => {
    const line = fc.oneof(
      fc.string({ unit: "binary" }),
      fc
        .tuple(
          fc.constantFrom("StorePath", "URL", "NarHash", "NarSize", "References", "CA", "Sig"),
          fc.string({ unit: "binary" }),
        )
        .map(([name, value]) => `${name}: ${value}`),
    );
    const answersWell = fc.property(fc.array(line), fc.boolean(), (lines, isValid) => {
      const added = lines.map((text) => `${text}\n`).join("");
      const text = isValid ? NARINFO_XZ_TEXT_CA + added : added;
      const narinfo = parse(text);
      return narinfo.ok
        ? formatNarinfo(narinfo.value) === text
        : /^[\x20-\x7e]{1,199}$/.test(narinfo.error);
    });
    expect(fc.check(answersWell)).toMatchObject({ failed: false });
  });
});

describe("formatNarinfo", () => {
  it.each([
    ...NARINFOS,
    { what: "curl of cache.nixos.org", text: CURL_NARINFO },
    { what: "hello of cache.nixos.org", text: HELLO_NARINFO },
  ])("gives back the bytes of $what", ({ text }) => {
    expect(formatNarinfo(valueOf(parse(text)))).toBe(text);
  });
});

describe("MAX_NARINFO_BYTES", () => {
  it("holds eight thousand of the longest references", () => {
    const digits = "0123456789abcdfghijklmnpqrsvwxyz";
    const references = Array.from({ length: 8000 }, (_, index) => {
      const hash = `${digits[index >> 10]}${digits[(index >> 5) & 31]}${digits[index & 31]}`;
      return `${hash}${"0".repeat(29)}-${"x".repeat(211)}`;
    });
    const line = `References: ${references.join(" ")}\n`;
    const text = edit(NARINFO_ZSTD_NO_REFERENCES, "References", line);
    expect(text.length).toBeLessThan(MAX_NARINFO_BYTES);
    expect(valueOf(parse(text)).references).toHaveLength(8000);
  });
});
