import { describe, expect, it } from "vitest";
import { toJsonLine, toLogLine, toOneLine, withoutEscapes } from "../../src/client/plain-text.ts";

const ATTACKS = [
  { what: "a new line", text: "a\n::save-state name=x::y", clean: "a ::save-state name=x::y" },
  { what: "a carriage return", text: "a\r::add-mask::b", clean: "a ::add-mask::b" },
  { what: "an escape sequence", text: "a\u001B]0;title\u0007b", clean: "a ]0;title b" },
  { what: "a C1 control sequence", text: "a\u009B31mb", clean: "a 31mb" },
  { what: "a line separator", text: "a\u2028b\u2029c", clean: "a b c" },
  { what: "an override of the direction", text: "a\u202Etxt.exe\u2066b", clean: "a txt.exe b" },
];

describe("toJsonLine", () => {
  it.each(ATTACKS)("escapes $what, and changes no value", ({ text }) => {
    const line = toJsonLine({ text });
    expect(withoutEscapes(line)).toBe(line);
    expect(JSON.parse(line)).toEqual({ text });
  });
});

describe("toOneLine", () => {
  it.each(ATTACKS)("takes $what out", ({ text, clean }) => {
    expect(toOneLine(text)).toBe(clean);
  });

  it("cuts a text of more than 1,000 characters", () => {
    expect(toOneLine("x".repeat(2000))).toHaveLength(1000);
  });

  it("leaves other letters alone", () => {
    expect(toOneLine("é 中 → …")).toBe("é 中 → …");
  });
});

describe("withoutEscapes", () => {
  it("keeps lines, tabs and the command's own colours", () => {
    const text = "\u001B[32mok\u001B[0m\tfine\nnext\n";
    expect(withoutEscapes(text)).toBe(text);
  });

  it("takes out whatever else a terminal would obey", () => {
    expect(withoutEscapes("\u001B[2J\u001B]8;;http://x\u0007a\r\nb\u009Bc")).toBe(
      " [2J ]8;;http://x a \nb c",
    );
  });
});

describe("toLogLine", () => {
  it.each([
    { line: "::save-state name=x::y", shown: "nargate: ::save-state name=x::y" },
    { line: "  ::add-mask::x", shown: "nargate: ::add-mask::x" },
    { line: "a ##[add-path]x", shown: "a ## [add-path]x" },
    { line: "nargate: a\n::stop-commands::t", shown: "nargate: a ::stop-commands::t" },
    { line: "/nix/store/x pushed", shown: "/nix/store/x pushed" },
  ])("makes no command of $line", ({ line, shown }) => {
    expect(toLogLine(line)).toBe(shown);
  });
});
