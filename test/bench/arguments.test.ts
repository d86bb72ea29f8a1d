import { describe, expect, it } from "vitest";
import { BENCHMARK_NAMES, parseBenchArguments } from "../../bench/arguments.ts";

describe("parseBenchArguments", () => {
  it("runs everything at full length by default", () => {
    expect(parseBenchArguments([])).toEqual({
      ok: true,
      value: { isQuick: false, only: BENCHMARK_NAMES, jsonFile: ".nargate/bench.json" },
    });
  });

  it("reads every option", () => {
    const args = ["--quick", "--only", "uploads", "--only", "startup", "--json", "x.json"];
    expect(parseBenchArguments(args)).toEqual({
      ok: true,
      value: { isQuick: true, only: ["uploads", "startup"], jsonFile: "x.json" },
    });
  });

  it("runs what is named twice once", () => {
    const parsed = parseBenchArguments(["--only", "uploads", "--only", "uploads"]);
    expect(parsed).toMatchObject({ ok: true, value: { only: ["uploads"] } });
  });

  it.each([
    { what: "a benchmark that there is not", args: ["--only", "upload"], names: "startup" },
    { what: "an option that there is not", args: ["--fast"], names: "--fast" },
    { what: "a stray word", args: ["uploads"], names: "uploads" },
    { what: "an option without its value", args: ["--only"], names: "--only" },
  ])("refuses $what and names it", ({ args, names }) => {
    const parsed = parseBenchArguments(args);
    expect(parsed.ok ? "" : parsed.error).toContain(names);
  });
});
