import { describe, expect, it } from "vitest";
import type { FailureCode } from "../../../src/api/failures/failures.ts";
import { checkIdentity, checkNarinfo } from "../../../src/worker/ingest/narinfo-rules.ts";
import { formatHash, parseHash } from "../../../src/nix/hash.ts";
import { parseNarinfo } from "../../../src/nix/narinfo.ts";
import { parseStorePathHash } from "../../../src/nix/store-path.ts";
import { CURL_NARINFO } from "../../nix/data/cache-nixos-org.ts";
import { NARINFO_NONE_SELF_REFERENCE, NARINFOS } from "../../nix/data/narinfos.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const HASH = CURL_NARINFO.slice("StorePath: /nix/store/".length).slice(0, 32);
const FILE_HASH = "05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56";
const FILE_HASH_IN_BASE16 = formatHash(valueOf(parseHash(`sha256:${FILE_HASH}`)), "base16");
const OTHER_FILE_HASH = "15ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56";

function check(text: string, hash = text.slice("StorePath: /nix/store/".length).slice(0, 32)) {
  const narinfo = valueOf(parseNarinfo(text, "/nix/store"));
  const identity = checkIdentity(narinfo, valueOf(parseStorePathHash(hash)));
  return identity.ok ? checkNarinfo(narinfo) : identity;
}

/** `text` with one line replaced; without a line if `to` is empty. */
function edit(text: string, name: string, to: string): string {
  const line = new RegExp(`^${name}: .*\n`, "m");
  if (!line.test(text)) throw new Error(`there is no ${name}`);
  return text.replace(line, to === "" ? "" : `${name}: ${to}\n`);
}

describe("checkNarinfo", () => {
  it.each([...NARINFOS, { what: "of cache.nixos.org", text: CURL_NARINFO }])(
    "takes what Nix wrote: $what",
    ({ text }) => {
      const checked = check(text);
      if (!checked.ok) throw new Error(checked.error);
      const { narinfo, nar, fileSizeBytes } = checked.value;
      expect(nar.path).toBe(narinfo.url);
      expect(nar.writable).toBe(true);
      expect(fileSizeBytes).toBe(narinfo.fileSize);
    },
  );

  it.each([
    { what: "its FileHash in base16", text: edit(CURL_NARINFO, "FileHash", FILE_HASH_IN_BASE16) },
    { what: "no signature", text: edit(CURL_NARINFO, "Sig", "") },
    { what: "an unknown field", text: `${CURL_NARINFO}Future: x\n` },
  ])("takes one with $what", ({ text }) => {
    expect(check(text).ok).toBe(true);
  });

  it("takes bzip2 where no Compression is given, as Nix does", () => {
    const text = edit(edit(CURL_NARINFO, "Compression", ""), "URL", `nar/${FILE_HASH}.nar.bz2`);
    expect(check(text).ok).toBe(true);
  });

  it("takes a gzip NAR under the name without an extension that Nix gives it", () => {
    const text = edit(edit(CURL_NARINFO, "Compression", "gzip"), "URL", `nar/${FILE_HASH}.nar`);
    expect(check(text).ok).toBe(true);
  });

  it.each<{ what: string; text: string; code: FailureCode }>([
    {
      what: "a URL outside nar/",
      text: edit(CURL_NARINFO, "URL", `${FILE_HASH}.nar.xz`),
      code: "narinfo-bad-url",
    },
    {
      what: "an absolute URL",
      text: edit(CURL_NARINFO, "URL", `https://cache.nixos.org/nar/${FILE_HASH}.nar.xz`),
      code: "narinfo-bad-url",
    },
    {
      what: "a URL from the root",
      text: edit(CURL_NARINFO, "URL", `/nar/${FILE_HASH}.nar.xz`),
      code: "narinfo-bad-url",
    },
    {
      what: "a URL with a query",
      text: edit(CURL_NARINFO, "URL", `nar/${FILE_HASH}.nar.xz?x=1`),
      code: "narinfo-bad-url",
    },
    {
      what: "a URL that climbs",
      text: edit(CURL_NARINFO, "URL", `nar/../nar/${FILE_HASH}.nar.xz`),
      code: "narinfo-bad-url",
    },
    {
      what: "a URL that is encoded and would be another S3 key",
      text: edit(CURL_NARINFO, "URL", `nar/${FILE_HASH}.nar%2Exz`),
      code: "narinfo-bad-url",
    },
    {
      what: "a name that nothing is written under",
      text: edit(CURL_NARINFO, "URL", "nar/old-name.nar.xz"),
      code: "narinfo-bad-url",
    },
    {
      what: "an extension that no Nix gives",
      text: edit(CURL_NARINFO, "URL", `nar/${FILE_HASH}.nar.gz`),
      code: "narinfo-bad-url",
    },
    { what: "no FileHash", text: edit(CURL_NARINFO, "FileHash", ""), code: "narinfo-file-missing" },
    { what: "no FileSize", text: edit(CURL_NARINFO, "FileSize", ""), code: "narinfo-file-missing" },
    {
      what: "another FileHash than its URL",
      text: edit(CURL_NARINFO, "FileHash", `sha256:${OTHER_FILE_HASH}`),
      code: "narinfo-url-hash",
    },
    {
      what: "a FileHash of another algorithm",
      text: edit(CURL_NARINFO, "FileHash", `sha512:${"0".repeat(128)}`),
      code: "narinfo-url-hash",
    },
    {
      what: "another Compression than its extension",
      text: edit(CURL_NARINFO, "Compression", "zstd"),
      code: "narinfo-extension",
    },
    {
      what: "no Compression, which means bzip2",
      text: edit(CURL_NARINFO, "Compression", ""),
      code: "narinfo-extension",
    },
    {
      what: "an extension without compression",
      text: edit(CURL_NARINFO, "Compression", "none"),
      code: "narinfo-extension",
    },
    {
      what: "a Compression that no Nix knows",
      text: edit(edit(CURL_NARINFO, "Compression", "snappy"), "URL", `nar/${FILE_HASH}.nar`),
      code: "narinfo-extension",
    },
    {
      what: "a NarHash that is not the FileHash, uncompressed",
      text: edit(NARINFO_NONE_SELF_REFERENCE, "NarHash", `sha256:${OTHER_FILE_HASH}`),
      code: "narinfo-uncompressed",
    },
    {
      what: "a FileSize that is not the NarSize, uncompressed",
      text: edit(NARINFO_NONE_SELF_REFERENCE, "FileSize", "215"),
      code: "narinfo-uncompressed",
    },
    {
      what: "a Sig without a key name",
      text: edit(CURL_NARINFO, "Sig", "x"),
      code: "narinfo-bad-signature",
    },
    {
      what: "one malformed Sig of two",
      text: `${CURL_NARINFO}Sig: other-1:AAAA\n`,
      code: "narinfo-bad-signature",
    },
  ])("refuses one with $what", ({ text, code }) => {
    const checked = check(text);
    expect(checked.ok ? "taken" : checked.error).toBe(code);
  });

  it("refuses one that is put under the name of another path", () => {
    const other = `0${HASH.slice(1)}`;
    const checked = check(CURL_NARINFO, other);
    expect(checked.ok ? "taken" : checked.error).toBe("narinfo-wrong-path");
  });
});
