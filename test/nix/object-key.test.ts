import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseHash } from "../../src/nix/hash.ts";
import {
  CACHE_INFO_KEY,
  narinfoKey,
  narKey,
  parseNarUrl,
  parseObjectKey,
} from "../../src/nix/object-key.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const FILE_HASH = "1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c";
const HEX = "00b851513f5c58e264a751c12c2cda4ea5422f951c14c49330bab04fdd208106";
const NAR = { kind: "nar", fileHash: undefined, extension: "", writable: false };

/** Percent-encodes every character but "/", or only those that are not of a word. */
function encode(text: string, every: boolean): string {
  return text.replace(every ? /[^/]/g : /[^/\w]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16)}`;
  });
}

describe("parseObjectKey", () => {
  it.each([
    { path: "nix-cache-info", key: { kind: "cache-info" } },
    { path: `${HASH}.narinfo`, key: { kind: "narinfo", hash: HASH } },
    { path: `${HASH}.ls`, key: { kind: "listing", hash: HASH } },
    {
      path: `log/${HASH}-hello-2.12.drv`,
      key: { kind: "log", storePath: { hash: HASH, name: "hello-2.12.drv" } },
    },
    {
      path: `log/${HASH}-hm_..zlogout.drv`,
      key: { kind: "log", storePath: { hash: HASH, name: "hm_..zlogout.drv" } },
    },
    {
      path: `realisations/sha256:${HEX}!out.doi`,
      key: { kind: "realisation", id: `sha256:${HEX}!out` },
    },
    {
      path: `realisations/sha256:${HEX}!a.doi.doi`,
      key: { kind: "realisation", id: `sha256:${HEX}!a.doi` },
    },
    {
      path: `build-trace-v2/${HASH}-hello.drv/out.doi`,
      key: { kind: "build-trace", drvPath: { hash: HASH, name: "hello.drv" }, outputName: "out" },
    },
    {
      path: `debuginfo/${HEX.slice(0, 40)}.debug`,
      key: { kind: "debuginfo", buildId: HEX.slice(0, 40) },
    },
    {
      path: `debuginfo/${HEX.slice(0, 40)}`,
      key: { kind: "debuginfo", buildId: HEX.slice(0, 40) },
    },
    {
      path: `debuginfo/${HEX.slice(0, 16)}`,
      key: { kind: "debuginfo", buildId: HEX.slice(0, 16) },
    },
    { path: `debuginfo/${HEX}${HEX}.debug`, key: { kind: "debuginfo", buildId: HEX + HEX } },
  ])("reads $path", ({ path, key }) => {
    expect(valueOf(parseObjectKey(`/${path}`))).toEqual({ path, ...key });
  });

  it.each(["", ".xz", ".bz2", ".zst", ".lzip", ".lz4", ".br"])(
    "reads a NAR with the extension '%s' as one that Nix could write",
    (extension) => {
      const path = `nar/${FILE_HASH}.nar${extension}`;
      const key = { ...NAR, path, fileHash: FILE_HASH, extension, writable: true };
      expect(valueOf(parseObjectKey(`/${path}`))).toEqual(key);
    },
  );

  it("reads a NAR with another extension as one named by its hash, for reading", () => {
    const path = `nar/${FILE_HASH}.nar.gz`;
    const key = { ...NAR, path, fileHash: FILE_HASH, extension: ".gz" };
    expect(valueOf(parseObjectKey(`/${path}`))).toEqual(key);
  });

  it.each([
    { what: "named by base16, as cachix does", path: `nar/${HEX}.nar.zst` },
    { what: "named by path and hash, as nix-serve does", path: `nar/${HASH}-${FILE_HASH}.nar` },
    { what: "in a folder, as snix does", path: "nar/snix-castore/CAgAEgAaAA==~" },
    { what: "four levels deep", path: "nar/a/b/c/d" },
    { what: "with a plus", path: "nar/a+b.nar" },
    { what: "whose hash has a bit too many", path: `nar/2${FILE_HASH.slice(1)}.nar` },
    { what: "whose hash is too long", path: `nar/0${FILE_HASH}.nar` },
    { what: "with two extensions", path: `nar/${FILE_HASH}.nar.xz.bz2` },
    { what: "with an extension in capitals", path: `nar/${FILE_HASH}.nar.XZ` },
    { what: "without .nar", path: `nar/${FILE_HASH}` },
    { what: "in a folder, named by its hash", path: `nar/x/${FILE_HASH}.nar` },
    { what: "with a long name", path: `nar/${"a".repeat(255)}` },
    { what: "of dots", path: "nar/..." },
  ])("reads a NAR $what, promising nothing", ({ path }) => {
    expect(valueOf(parseObjectKey(`/${path}`))).toEqual({ ...NAR, path });
  });

  it.each([
    {
      what: "an exclamation mark",
      path: `/realisations/sha256%3A${HEX}%21out.doi`,
      key: `realisations/sha256:${HEX}!out.doi`,
    },
    { what: "a plus", path: "/nar/a%2Bb.nar", key: "nar/a+b.nar" },
    { what: "a plus as itself", path: "/nar/a+b.nar", key: "nar/a+b.nar" },
    { what: "a question mark", path: `/log/${HASH}-a%3Fb`, key: `log/${HASH}-a?b` },
    { what: "plain letters", path: "/%6E%61r/%61", key: "nar/a" },
    { what: "lower-case hexadecimal", path: "/nar/a%2bb", key: "nar/a+b" },
  ])("knows $what by either spelling", ({ path, key }) => {
    expect(valueOf(parseObjectKey(path)).path).toBe(key);
  });

  it.each([
    { what: "the root", path: "/" },
    { what: "nothing", path: "" },
    { what: "no slash in front", path: "nix-cache-info" },
    { what: "two slashes in front", path: "//nix-cache-info" },
    { what: "a slash at the end", path: "/nix-cache-info/" },
    { what: "an empty segment", path: `/nar//${FILE_HASH}.nar` },
    { what: "a folder", path: "/nar/" },
    { what: "a step upwards", path: "/nar/../nix-cache-info" },
    { what: "an encoded step upwards", path: "/nar/%2e%2e/nix-cache-info" },
    { what: "a half-encoded step upwards", path: "/nar/.%2E/x" },
    { what: "a step at the end", path: "/nar/.." },
    { what: "a step on the spot", path: "/nar/./x" },
    { what: "a step encoded twice", path: "/nar/%252e%252e/x" },
    { what: "an overlong encoding of a dot", path: "/nar/%c0%ae%c0%ae/x" },
    { what: "an encoded slash", path: "/nar%2Fx" },
    { what: "an encoded slash in a name", path: "/nar/..%2f..%2fsecret" },
    { what: "a fullwidth slash", path: "/nar/a%EF%BC%8Fb" },
    { what: "a backslash", path: "/nar\\x" },
    { what: "an encoded backslash", path: "/nar/..%5Cx" },
    { what: "NUL", path: "/nix-cache-info%00" },
    { what: "NUL in a name", path: `/nar/${FILE_HASH}.nar%00.xz` },
    { what: "a line break", path: "/nix-cache-info%0A" },
    { what: "a header after a line break", path: "/nar/a%0d%0aX-Evil:%201" },
    { what: "a raw line break", path: `/${HASH}.narinfo\n` },
    { what: "DEL", path: "/nar/a%7F" },
    { what: "a C1 control", path: "/nar/a%C2%85" },
    { what: "a space", path: "/nar/a%20b" },
    { what: "a bare percent sign", path: "/nar/a%" },
    { what: "percent without hexadecimal", path: "/nar/a%zz" },
    { what: "UTF-8 cut short", path: "/nar/%E2%82" },
    { what: "Latin-1", path: "/nar/%E9" },
    { what: "a surrogate", path: "/nar/%ED%A0%80" },
    { what: "letters beyond ASCII", path: "/nar/é" },
    { what: "a query", path: "/nix-cache-info?x=1" },
    { what: "a fragment", path: "/nix-cache-info#x" },
    { what: "a whole URL", path: "http://example.org/nix-cache-info" },
    { what: "another case", path: "/NIX-CACHE-INFO" },
    { what: "an unknown name", path: "/index.html" },
    { what: "a name of Object.prototype", path: "/constructor" },
    { what: "a dotfile", path: "/.env" },
    { what: "the bucket's other files", path: "/nix/cache/nix-cache-info" },
    { what: "a narinfo with a short hash", path: `/${HASH.slice(1)}.narinfo` },
    { what: "a narinfo with a long hash", path: `/${HASH}0.narinfo` },
    {
      what: "a narinfo with a letter that nix32 lacks",
      path: `/${HASH.replace("f", "e")}.narinfo`,
    },
    { what: "a narinfo in capitals", path: `/${HASH.toUpperCase()}.narinfo` },
    { what: "a narinfo in a folder", path: `/x/${HASH}.narinfo` },
    { what: "a narinfo with something behind it", path: `/${HASH}.narinfo.gz` },
    { what: "a hash alone", path: `/${HASH}` },
    { what: "nar itself", path: "/nar" },
    { what: "a NAR five levels deep", path: "/nar/a/b/c/d/e" },
    { what: "a NAR with too long a name", path: `/nar/${"a".repeat(256)}` },
    { what: "a NAR with a colon", path: "/nar/a:b" },
    { what: "a log of no store path", path: "/log/hello.drv" },
    { what: "a log in a folder", path: `/log/x/${HASH}-a.drv` },
    { what: "a log of a path named ..", path: `/log/${HASH}-..` },
    { what: "a log with a space", path: `/log/${HASH}-a%20b` },
    {
      what: "a realisation with a hash in nix32",
      path: `/realisations/sha256:${FILE_HASH}!out.doi`,
    },
    { what: "a realisation without output", path: `/realisations/sha256:${HEX}!.doi` },
    { what: "a realisation without .doi", path: `/realisations/sha256:${HEX}!output` },
    {
      what: "a build trace of something else than a derivation",
      path: `/build-trace-v2/${HASH}-hello/out.doi`,
    },
    { what: "a build trace without output", path: `/build-trace-v2/${HASH}-hello.drv/.doi` },
    { what: "a build trace without .doi", path: `/build-trace-v2/${HASH}-hello.drv/output` },
    { what: "another version of build traces", path: `/build-trace-v1/${HASH}-hello.drv/out.doi` },
    { what: "a build id of odd length", path: `/debuginfo/${HEX.slice(0, 39)}.debug` },
    { what: "a build id that is too short", path: `/debuginfo/${HEX.slice(0, 14)}` },
    { what: "a build id that is too long", path: `/debuginfo/${HEX}${HEX}00` },
    { what: "a build id in capitals", path: `/debuginfo/${"AB".repeat(20)}` },
    { what: "debug information by another name", path: `/debuginfo/${HEX.slice(0, 40)}.txt` },
    {
      what: "a path of more than 1,024 bytes",
      path: `/nar/${"a".repeat(255)}/${"b".repeat(255)}/${"c".repeat(255)}/${"d".repeat(255)}`,
    },
    { what: "a megabyte", path: `/nar/${"a".repeat(1 << 20)}` },
  ])("refuses $what", ({ path }) => {
    expect(errorOf(parseObjectKey(path))).toMatch(/^[\x20-\x7e]{1,199}$/);
  });

  it("never throws, and gives only paths that stay within the prefix", () => {
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 5 }),
      fc.constantFrom("/", "..", ".", "%2e", "%2f", "%", "nar", "log", "\\", "%00", "%25", HASH),
    );
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const key = parseObjectKey(`/nar/${pieces.join("")}`);
        if (!key.ok) return;
        expect(key.value.path).toMatch(/^nar(?:\/(?!\.{1,2}(?:\/|$))[0-9A-Za-z+._=~-]+){1,4}$/);
      }),
    );
  });

  it("gives the same key for its own path, encoded or not", () => {
    const paths = [
      `log/${HASH}-a?b`,
      `realisations/sha256:${HEX}!out.doi`,
      "nar/a+b=c~d_e-f.nar",
      `build-trace-v2/${HASH}-hello.drv/out.doi`,
    ];
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.boolean(), (path, every) => {
        expect(valueOf(parseObjectKey(`/${encode(path, every)}`)).path).toBe(path);
      }),
    );
  });
});

describe("parseNarUrl", () => {
  it("reads what Nix writes", () => {
    const url = `nar/${FILE_HASH}.nar.xz`;
    expect(valueOf(parseNarUrl(url))).toEqual(valueOf(parseObjectKey(`/${url}`)));
  });

  it.each([
    { what: "nothing", url: "" },
    {
      what: "an absolute URL",
      url: `https://example.org/nar/${FILE_HASH}.nar`,
      error: "URL is absolute",
    },
    {
      what: "an absolute URL in capitals",
      url: `HTTPS://example.org/nar/${FILE_HASH}.nar`,
      error: "URL is absolute",
    },
    { what: "a file", url: `file:///nar/${FILE_HASH}.nar`, error: "URL is absolute" },
    {
      what: "another host",
      url: `//example.org/nar/${FILE_HASH}.nar`,
      error: "URL does not begin with nar/",
    },
    {
      what: "a slash in front",
      url: `/nar/${FILE_HASH}.nar`,
      error: "URL does not begin with nar/",
    },
    { what: "a dot in front", url: `./nar/${FILE_HASH}.nar` },
    { what: "a step upwards", url: `nar/../nar/${FILE_HASH}.nar` },
    { what: "an encoded step upwards", url: "nar/%2e%2e/nix-cache-info" },
    { what: "a query, as harmonia writes", url: `nar/${FILE_HASH}.nar?hash=${HASH}` },
    { what: "a fragment", url: `nar/${FILE_HASH}.nar#x` },
    { what: "a NAR outside nar/", url: `${FILE_HASH}.nar`, error: "URL is wrong" },
    {
      what: "another kind of object",
      url: `${HASH}.narinfo`,
      error: "URL does not begin with nar/",
    },
    { what: "a space in front", url: ` nar/${FILE_HASH}.nar` },
  ])("refuses $what", ({ url, error = "URL is wrong: " }) => {
    expect(errorOf(parseNarUrl(url))).toContain(error);
  });
});

describe("keys of checked parts", () => {
  it("are the ones that their paths parse to", () => {
    const narinfo = valueOf(parseObjectKey(`/${HASH}.narinfo`));
    if (narinfo.kind !== "narinfo") throw new Error("not a narinfo");
    expect(narinfoKey(narinfo.hash)).toEqual(narinfo);
    expect(valueOf(parseObjectKey("/nix-cache-info"))).toEqual(CACHE_INFO_KEY);
    const fileHash = valueOf(parseHash(`sha256:${FILE_HASH}`));
    for (const compression of ["xz", "zstd", "none"]) {
      const key = narKey(fileHash, compression);
      expect(valueOf(parseObjectKey(`/${key.path}`))).toEqual(key);
    }
  });

  it("are not made of another hash than SHA-256", () => {
    const sha1 = valueOf(parseHash("sha1:c22vd2p3vh6zqjhc7y5awpdg1avm4ln0"));
    expect(() => narKey(sha1, "xz")).toThrow(TypeError);
  });
});
