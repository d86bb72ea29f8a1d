import { describe, expect, it } from "vitest";
import { cacheControlOfAbsent, cacheControlOfFound } from "../../src/http/cache-control.ts";
import { type ObjectKind, parseObjectKey } from "../../src/nix/object-key.ts";
import { valueOf } from "../../testkit/value-of.ts";

const HASH = "syd87l2rxw8cbsxmxl853h0r6pdwhwjr";
const FILE_HASH = "05ra3y72i3qjri7xskf9qj8kb29r6naqy1sqpbs3azi3xcigmj56";

const HOUR = "public, max-age=3600, stale-if-error=86400";
const CASES: readonly {
  what: string;
  path: string;
  kind: ObjectKind;
  found: string;
  absent: string;
}[] = [
  {
    what: "a narinfo",
    path: `/${HASH}.narinfo`,
    kind: "narinfo",
    found: HOUR,
    absent: "public, max-age=10, stale-if-error=0",
  },
  {
    what: "a NAR named by its hash",
    path: `/nar/${FILE_HASH}.nar.xz`,
    kind: "nar",
    found: "public, max-age=31536000, immutable",
    absent: "no-store",
  },
  {
    what: "a NAR of another name, which vouches for nothing",
    path: "/nar/old-name.nar.xz",
    kind: "nar",
    found: HOUR,
    absent: "no-store",
  },
  { what: "a listing", path: `/${HASH}.ls`, kind: "listing", found: HOUR, absent: "no-store" },
  { what: "a log", path: `/log/${HASH}-x.drv`, kind: "log", found: HOUR, absent: "no-store" },
  {
    what: "a realisation",
    path: `/realisations/sha256:${"0a".repeat(32)}!out.doi`,
    kind: "realisation",
    found: HOUR,
    absent: "no-store",
  },
  {
    what: "a build trace entry",
    path: `/build-trace-v2/${HASH}-x.drv/out.doi`,
    kind: "build-trace",
    found: HOUR,
    absent: "no-store",
  },
  {
    what: "a debug link",
    path: `/debuginfo/${"0a".repeat(20)}.debug`,
    kind: "debuginfo",
    found: HOUR,
    absent: "no-store",
  },
  {
    what: "the cache info",
    path: "/nix-cache-info",
    kind: "cache-info",
    found: "public, max-age=3600",
    absent: "no-store",
  },
];

describe.each(CASES)("of $what", ({ path, kind, found, absent }) => {
  const key = valueOf(parseObjectKey(path));

  it("cacheControlOfFound says how long it may be kept", () => {
    expect(key.kind).toBe(kind);
    expect(cacheControlOfFound(key)).toBe(found);
  });

  it("cacheControlOfAbsent says how long its absence may be", () => {
    expect(cacheControlOfAbsent(key)).toBe(absent);
  });
});
