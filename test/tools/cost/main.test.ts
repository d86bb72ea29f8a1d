import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "../../..");

/** As npm runs it. */
function run(...commandArguments: readonly string[]) {
  const script = path.join(ROOT, "tools/cost/main.ts");
  const result = spawnSync(process.execPath, ["--no-warnings", script, ...commandArguments], {
    encoding: "utf8",
    cwd: ROOT,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

function readDocument(name: string): string {
  return readFileSync(path.join(ROOT, "docs", name), "utf8");
}

/** The command lines in a document, each with the output that is printed below it. */
function examplesIn(name: string) {
  const blocks = readDocument(name).matchAll(/^```\n\$ npm run -s cost(.*)\n([\s\S]*?)^```$/gm);
  return [...blocks].map(([, flags = "", output]) => ({
    name,
    flags: flags.trim().replace(/^-- /, ""),
    output,
  }));
}

describe("npm run cost", () => {
  it.each(["cost.md", "performance.md"].flatMap(examplesIn))(
    "prints what docs/$name shows for $flags",
    ({ flags, output }) => {
      expect(run(...flags.split(" ").filter((flag) => flag !== ""))).toEqual({
        code: 0,
        stdout: output,
        stderr: "",
      });
    },
  );

  it("has examples in both documents", () => {
    expect(examplesIn("cost.md").length).toBeGreaterThanOrEqual(4);
    expect(examplesIn("performance.md").length).toBeGreaterThanOrEqual(1);
  });

  it("prints the price table of docs/cost.md", () => {
    const { stdout } = run("--prices");
    expect(stdout.split("\n").length).toBeGreaterThan(20);
    expect(readDocument("cost.md")).toContain(stdout);
  });

  it("agrees with docs/cost.md on what each caching mode costs", () => {
    const rows = [...readDocument("cost.md").matchAll(/^\| (\d+) ([mb])illion \| (.+) \|$/gm)];
    expect(rows).toHaveLength(3);
    for (const [, amount, unit, cells] of rows) {
      const reads = ["--lookups", `${amount}${unit === "b" ? "G" : "M"}`, "--pulls", "0"];
      const nothingElse = ["--pushes", "0", "--clients", "0", "--cpu-request", "0"];
      const { stdout } = run(
        "--json",
        ...reads,
        ...nothingElse,
        "--log-sample",
        "0",
        "--paths",
        "0",
      );
      const { bills } = JSON.parse(stdout);
      const tiered = bills["nargate-paid"].totalDollars;
      const local = bills["nargate-paid-cache-api"].totalDollars;
      const dollars = [tiered, local, tiered - local].map((sum) => `$${sum.toFixed(2)}`);
      expect(cells).toBe(dollars.join(" | "));
    }
  });

  it("gives all bills to a program", () => {
    const { usage, bills } = JSON.parse(run("--json", "--pulls", "1M").stdout);
    expect(usage).toMatchObject({ pulls: 1_000_000, lookups: 10_000_000 });
    expect(bills["nargate-free"]).toMatchObject({
      totalDollars: null,
      obstacles: [expect.any(String), expect.any(String)],
    });
    expect(bills["nargate-paid"].items[0]).toEqual({
      kind: "plan",
      what: "Workers Paid",
      quantity: 1,
      unit: "month",
      included: 0,
      rate: "$5.00 a month",
      dollars: 5,
    });
  });

  it.each([
    { what: "an unknown flag", flags: ["--pull", "1"] },
    { what: "a number that is none", flags: ["--paths", "many"] },
    { what: "a flag without its number", flags: ["--paths"] },
    { what: "an unknown bill", flags: ["--bill", "gcs"] },
    { what: "a word too many", flags: ["50000"] },
  ])("refuses $what in one line, with exit code 2", ({ flags }) => {
    const { code, stdout, stderr } = run(...flags);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^[^\n]+\n$/);
  });

  it("explains itself", () => {
    const { code, stdout } = run("--help");
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Usage: npm run cost/);
  });
});
