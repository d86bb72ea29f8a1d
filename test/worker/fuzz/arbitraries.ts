import * as fc from "fast-check";
import { HASH } from "../../../testkit/workerd/prepared.ts";

/** What attackers and broken clients put into paths, beside what Nix does. */
const pathSegment = fc.oneof(
  fc.constantFrom(
    "",
    ".",
    "..",
    "%2e%2e",
    "%2E.",
    "..%2f",
    "%2f",
    "%5c",
    "\\",
    "%00",
    "%",
    "%zz",
    "%c0%ae",
    "%ff",
    "nar",
    "log",
    "realisations",
    "build-trace-v2",
    "debuginfo",
    "nix-cache-info",
    "healthz",
    "api",
    `${HASH}.narinfo`,
    `${HASH}.ls`,
    `${HASH}-x.drv`,
    `${"0".repeat(52)}.nar.xz`,
    `sha256:${"0a".repeat(32)}!out.doi`,
    `sha256:${"0a".repeat(32)}%21out.doi`,
    "nix",
    "cache",
  ),
  fc.string({ maxLength: 12, unit: "grapheme" }).map((text) => encodeURI(text.toWellFormed())),
  fc
    .string({
      maxLength: 60,
      unit: fc.constantFrom(..."0123456789abcdfghijklmnpqrsvwxyz.+-_%!:;=?~ "),
    })
    .map((text) => text.replaceAll(" ", "%20")),
  fc.nat(2000).map((length) => "a".repeat(length)),
);

const wild = fc
  .array(pathSegment, { minLength: 1, maxLength: 5 })
  .map((segments) => `/${segments.join("/")}`);

const proper = fc.constantFrom(
  "/nix-cache-info",
  `/${HASH}.narinfo`,
  `/${HASH}.ls`,
  `/nar/${"0".repeat(52)}.nar.xz`,
  "/nar/a/b.nar",
  `/log/${HASH}-x.drv`,
  `/realisations/sha256:${"0a".repeat(32)}!out.doi`,
  `/build-trace-v2/${HASH}-x.drv/out.doi`,
  `/debuginfo/${"0a".repeat(20)}.debug`,
);

/** A path of a cache with something put into it, or in the place of some of it. */
const nearMiss = fc
  .tuple(proper, fc.nat(60), fc.nat(3), fc.oneof(fc.constant(""), pathSegment))
  .map(([path, at, length, piece]) => path.slice(0, at + 1) + piece + path.slice(at + 1 + length));

export const rawPath = fc.oneof(proper, nearMiss, nearMiss, wild);

export const headerValue = fc.oneof(
  fc.constantFrom(
    "bytes=0-",
    "bytes=5-9",
    "bytes=-3",
    "bytes=9-5",
    "bytes=0-0,2-2",
    "*",
    '""',
    'W/"x"',
    "gzip",
    "identity",
    "chunked",
    "text/html",
  ),
  fc
    .string({ maxLength: 40, unit: fc.constantFrom(...'abcXYZ019 -=,;:/"*') })
    .map((text) => text.trim()),
);

/** Headers meant to split, poison or redirect. */
export const clientHeaders = fc.dictionary(
  fc.constantFrom(
    "range",
    "if-range",
    "if-none-match",
    "if-modified-since",
    "accept-encoding",
    "cache-control",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-http-method-override",
    "x-original-url",
    "cookie",
    "nargate-filled-for",
    "nargate-pushing",
    "nargate-failure",
    "nargate-bucket-cost",
    "cf-cache-status",
  ),
  headerValue,
  { maxKeys: 4 },
);

export const query = fc.constantFrom(
  "",
  "?",
  "?x=1",
  "?force=true",
  "?versionId=1",
  "?uploads",
  "?list-type=2&prefix=",
  "#x",
);

/** A narinfo that was valid until something happened to one of its lines. */
export function brokenNarinfo(valid: string): fc.Arbitrary<string | Uint8Array<ArrayBuffer>> {
  const lines = valid.split("\n").slice(0, -1);
  const line = fc.nat(lines.length - 1);
  const value = fc.oneof(
    fc.constantFrom(
      "",
      " ",
      "0",
      "-1",
      "1e9",
      "9".repeat(30),
      "NaN",
      "none",
      "xz",
      "nar/../x",
      "nar/%2e%2e/x",
      "/etc/passwd",
      "file:///etc/passwd",
      "https://evil.example/x.nar",
      "nar/x.nar\r\nSig: a",
      `/nix/store/${HASH}-x`,
      `sha256:${"0".repeat(52)}`,
      "sha256:",
    ),
    fc.string({ maxLength: 80, unit: "binary" }),
  );
  const replace = fc
    .tuple(line, value)
    .map(([index, text]) =>
      lines.map((old, at) => (at === index ? `${old.split(":")[0]}: ${text}` : old)),
    );
  const drop = line.map((index) => lines.filter((_, at) => at !== index));
  const repeat = fc
    .tuple(line, fc.integer({ min: 2, max: 3000 }))
    .map(([index, times]) =>
      lines.flatMap((old, at) => (at === index ? Array.from({ length: times }, () => old) : [old])),
    );
  const sign = fc
    .array(fc.tuple(fc.string({ maxLength: 10 }), fc.uint8Array({ maxLength: 70 })), {
      maxLength: 60,
    })
    .map((signatures) => [
      ...lines,
      ...signatures.map(([name, bytes]) => `Sig: ${name}:${bytes.toBase64()}`),
    ]);
  const shuffle = fc.shuffledSubarray(lines);
  const text = fc
    .tuple(
      fc.oneof(replace, drop, repeat, sign, shuffle),
      fc.constantFrom("\n", "\n", "\n", "\r\n", ""),
    )
    .map(([changed, end]) => changed.map((one) => one + end).join("") || "\n");
  return fc.oneof(
    { weight: 8, arbitrary: text },
    {
      weight: 1,
      arbitrary: fc.uint8Array({ maxLength: 400 }) as fc.Arbitrary<Uint8Array<ArrayBuffer>>,
    },
  );
}
