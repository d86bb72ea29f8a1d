import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toLogLine, toOneLine, withoutEscapes } from "../../../src/client/plain-text.ts";
import { findNetrcPassword, setNetrcPassword } from "../../../src/client/gateway/netrc.ts";
import { addToNixConf, readNixConf, SUBSTITUTERS } from "../../../src/client/use/nix-conf.ts";
import { checkProperty, propertyTimeout } from "../../../testkit/check-property.ts";

/** Texts full of what a terminal, a workflow log or a parser could obey. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "::save-state name=x::y",
        "##[group]",
        "\u001B[2J",
        "\u001B]8;;http://x\u0007",
        "\u009B31m",
        "\r\n",
        "\n",
        "\u2028",
        "\u202E",
        "\u0000",
        "macdef x",
        "machine h.example password",
        "default",
        "extra-substituters = ",
        "#",
        "=",
        " ",
      ),
      fc.string({ maxLength: 20, unit: "binary" }),
    ),
    { maxLength: 12 },
  )
  .map((pieces) => pieces.join(""));

// oxlint-disable-next-line no-control-regex -- it finds the control characters
const OWN = /\u001B\[\d{1,2}m|[\n\t]/g;
const FORBIDDEN = /[\p{Cc}\u2028\u2029\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/u;

describe("any text from outside", () => {
  it(
    "is one plain line in messages, and no command in a workflow log",
    async () => {
      await checkProperty(
        "texts from outside",
        fc.property(hostile, (text) => {
          expect(toOneLine(text)).not.toMatch(FORBIDDEN);
          const line = toLogLine(text);
          expect(line).not.toMatch(FORBIDDEN);
          expect(line.trimStart().startsWith("::")).toBe(false);
          expect(line).not.toContain("##[");
          // What is left of escapes are the command's own colours.
          const shown = withoutEscapes(text).replaceAll(OWN, "");
          expect(shown).not.toMatch(FORBIDDEN);
        }) as never,
        5_000,
      );
    },
    propertyTimeout(),
  );

  it(
    "in a netrc file hides no password that was put into it",
    async () => {
      await checkProperty(
        "netrc files",
        fc.property(hostile, (text) => {
          const changed = setNetrcPassword(text, "h.example", "secret");
          expect(findNetrcPassword(changed, "h.example")).toBe("secret");
          expect(setNetrcPassword(changed, "h.example", "secret")).toBe(changed);
        }) as never,
        5_000,
      );
    },
    propertyTimeout(),
  );

  it(
    "in a nix.conf hides no cache that was added to it",
    async () => {
      await checkProperty(
        "nix.conf files",
        fc.property(hostile, (text) => {
          const changed = addToNixConf(text, SUBSTITUTERS, ["https://h.example"]);
          const values = ["substituters", "extra-substituters"].flatMap(
            (name) => readNixConf(changed, name)?.split(" ") ?? [],
          );
          expect(values).toContain("https://h.example");
        }) as never,
        5_000,
      );
    },
    propertyTimeout(),
  );
});
