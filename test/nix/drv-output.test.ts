import { describe, expect, it } from "vitest";
import { parseDrvOutputId, parseOutputName } from "../../src/nix/drv-output.ts";
import { valueOf } from "../../testkit/value-of.ts";

const HEX = "00b851513f5c58e264a751c12c2cda4ea5422f951c14c49330bab04fdd208106";

describe("parseDrvOutputId", () => {
  it.each(["out", "dev", "lib_x-1.0"])("reads an id of the output %s", (output) => {
    const text = `sha256:${HEX}!${output}`;
    expect(valueOf(parseDrvOutputId(text))).toBe(text);
  });

  it.each([
    { what: "no output", text: `sha256:${HEX}!` },
    { what: "no separator", text: `sha256:${HEX}` },
    { what: "the later separator", text: `sha256:${HEX}^out` },
    { what: "a second separator", text: `sha256:${HEX}!out!out` },
    { what: "a path as output", text: `sha256:${HEX}!../out` },
    { what: "a line break", text: `sha256:${HEX}!out\n` },
    { what: "capitals", text: `sha256:${HEX.toUpperCase()}!out` },
    { what: "nix32", text: "sha256:1sz1yy4nmz3giqymzjdrmmjj94iqg88jwvgzd80658sqr7nq917c!out" },
    { what: "another algorithm", text: `sha1:${HEX.slice(0, 40)}!out` },
  ])("refuses $what", ({ text }) => {
    expect(parseDrvOutputId(text).ok).toBe(false);
  });
});

describe("parseOutputName", () => {
  it.each(["", ".", "..", "a/b", "a!b", "é"])("refuses %j", (name) => {
    expect(parseOutputName(name).ok).toBe(false);
  });
});
