import { describe, expect, it } from "vitest";
import { BENCHMARK_NAMES, parseBenchArguments } from "../../bench/arguments.ts";

describe("parseBenchArguments", () => {
  it("runs everything but the peers at full length by default", () => {
    expect(parseBenchArguments([])).toEqual({
      ok: true,
      value: {
        isQuick: false,
        only: BENCHMARK_NAMES.filter((name) => name !== "peers"),
        jsonFile: ".nargate/bench.json",
        peers: {},
        latencies: [0, 50],
      },
    });
  });

  it("reads every option", () => {
    const args = ["--quick", "--only", "uploads", "--only", "startup", "--json", "x.json"];
    args.push("--peer", "niks3=/opt/niks3", "--latency", "0", "--latency", "100");
    expect(parseBenchArguments(args)).toEqual({
      ok: true,
      value: {
        isQuick: true,
        only: ["uploads", "startup"],
        jsonFile: "x.json",
        peers: { niks3: "/opt/niks3" },
        latencies: [0, 100],
      },
    });
  });

  it.each([
    { what: "leaves out the peers", args: [], has: false },
    { what: "runs them if it knows where one is", args: ["--peer", "niks3=/opt"], has: true },
    {
      what: "leaves them out in a quick run",
      args: ["--quick", "--peer", "niks3=/opt"],
      has: false,
    },
    { what: "runs them in a quick run that asks", args: ["--quick", "--only", "peers"], has: true },
  ])("$what", ({ args, has }) => {
    const parsed = parseBenchArguments(args);
    expect(parsed.ok && parsed.value.only.includes("peers")).toBe(has);
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
    { what: "a peer that there is not", args: ["--peer", "cachix=/opt"], names: "cachix" },
    { what: "a latency that is no number", args: ["--latency", "5 ms"], names: "5 ms" },
  ])("refuses $what and names it", ({ args, names }) => {
    const parsed = parseBenchArguments(args);
    expect(parsed.ok ? "" : parsed.error).toContain(names);
  });
});
