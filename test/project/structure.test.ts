import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const FILES = ["src", "tools", "bench", "testkit"].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(folder, name)),
);
const PROGRAMS = FILES.filter((file) => /^(?:src|tools)\//.test(file));

/** The files that a file imports, for their types alone too: oxlint passes over circles of types. */
function importsOf(file: string): readonly string[] {
  const specifiers = readFileSync(file, "utf8").matchAll(/(?:from |import\()"(\.[^"]+)"/g);
  return Array.from(specifiers, ([, name = ""]) => normalize(join(dirname(file), name)));
}

/** A way along the imports that comes back to a file, or `undefined`. */
function findCircle(): readonly string[] | undefined {
  const isDone = new Set<string>();
  const visit = (file: string, way: readonly string[]): readonly string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (isDone.has(file)) return undefined;
    for (const next of importsOf(file)) {
      const circle = visit(next, [...way, file]);
      if (circle !== undefined) return circle;
    }
    isDone.add(file);
    return undefined;
  };
  for (const file of FILES) {
    const circle = visit(file, []);
    if (circle !== undefined) return circle;
  }
  return undefined;
}

/** The values that occur more than once. */
function repeated(values: readonly string[]): readonly string[] {
  return [...new Set(values.filter((value, index) => values.indexOf(value) !== index))];
}

describe("the files of src and tools", () => {
  it("import each other in no circle", () => {
    expect(findCircle()).toBeUndefined();
  });

  it("have names of their own", () => {
    // A subject may have a pure and a routed side.
    const shared = new Set(["main.ts", "index.ts", "cache-info.ts"]);
    const names = PROGRAMS.map((file) => basename(file)).filter((name) => !shared.has(name));
    expect(repeated(names)).toEqual([]);
  });

  it("export types with names of their own", () => {
    const types = PROGRAMS.flatMap((file) =>
      Array.from(
        readFileSync(file, "utf8").matchAll(/^export (?:interface|type|class) (\w+)/gm),
        ([, name = ""]) => name,
      ),
    );
    expect(types.length).toBeGreaterThan(100);
    expect(repeated(types)).toEqual([]);
  });
});
