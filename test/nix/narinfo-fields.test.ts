import { describe, expect, it } from "vitest";
import { parseNarinfoFields } from "../../src/nix/narinfo-fields.ts";
import { errorOf, valueOf } from "../../testkit/value-of.ts";

describe("parseNarinfoFields", () => {
  it("keeps every line in order, repeated and unknown ones too", () => {
    const { all } = valueOf(parseNarinfoFields("Sig: a\nX: y: z\nSig: a\nEmpty: \n"));
    expect(all).toEqual([
      { name: "Sig", value: "a" },
      { name: "X", value: "y: z" },
      { name: "Sig", value: "a" },
      { name: "Empty", value: "" },
    ]);
  });

  it("skips one space only", () => {
    expect(valueOf(parseNarinfoFields("URL:  x\n")).single.get("URL")).toBe(" x");
  });

  it.each([
    { what: "nothing", text: "", error: "the narinfo is empty" },
    {
      what: "no newline at the end",
      text: "A: b",
      error: "the last line has no line break at its end",
    },
    { what: "a line without colon", text: "A: b\nc\n", error: "line 2 has no colon" },
    { what: "an empty line", text: "A: b\n\n", error: "line 2 has no colon" },
    { what: "no name", text: ": b\n", error: "line 1 has no name before its colon" },
    {
      what: "References without its space",
      text: "References:\n",
      error: "line 1 has no space after its colon",
    },
    {
      what: "a size without its space",
      text: "NarSize:872\n",
      error: "line 1 has no space after its colon",
    },
    { what: "a tab after the colon", text: "A:\tb\n", error: "line 1 holds a control character" },
    { what: "CRLF", text: "A: b\r\n", error: "line 1 ends in a carriage return" },
    { what: "NUL", text: "A: \0\n", error: "line 1 holds a control character" },
    { what: "1,001 lines", text: "A: b\n".repeat(1001), error: "it has more than 1000 lines" },
    {
      what: "a field given twice",
      text: "URL: a\nX: b\nURL: a\n",
      error: "line 3 repeats the field URL",
    },
  ])("refuses $what", ({ text, error }) => {
    expect(errorOf(parseNarinfoFields(text))).toBe(error);
  });
});
