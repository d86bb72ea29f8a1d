import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const PAGE = readFileSync("ARCHITECTURE.md", "utf8");

/** The folders directly below `folder`, as `git` would list them. */
function foldersIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

describe("ARCHITECTURE.md", () => {
  it("names a test and a file for each of the ten laws, and all of them exist", () => {
    const rows = [...PAGE.matchAll(/^\| (\d+) \|[^|]*\|([^|]*)\|([^|]*)\|$/gm)];
    expect(rows.map(([, number]) => Number(number))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    for (const [, number, keptBy = "", provedBy = ""] of rows) {
      const tests = namesIn(provedBy);
      expect(tests.length, `law ${number}`).toBeGreaterThan(0);
      expect(
        tests.every((name) => name.endsWith(".test.ts")),
        `law ${number}`,
      ).toBe(true);
      const missing = [...namesIn(keptBy), ...tests].filter((name) => !existsSync(name));
      expect(missing, `law ${number}`).toEqual([]);
    }
  });

  it("sends each change to files that exist", () => {
    const [, table = ""] = PAGE.split("## Where a change goes");
    const named = namesIn(table.split("\n## ")[0] ?? "");
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((name) => !existsSync(name))).toEqual([]);
  });

  it.each(["src", "tools", "testkit", "src/worker", "src/client"])(
    "names every folder of %s",
    (folder) => {
      const [, rooms = ""] = PAGE.split("## Where things are");
      const [tree = ""] = rooms.split("\n## ");
      const unnamed = foldersIn(folder).filter((name) => !new RegExp(`\\b${name}/`).test(tree));
      expect(unnamed).toEqual([]);
    },
  );
});

/** The paths in code quotes that lead below `src`, `test` or `tools`. */
function namesIn(text: string): readonly string[] {
  return [...text.matchAll(/`((?:src|test|tools)\/[^`]*|oxlint\.config\.ts)`/g)].map(
    ([, name = ""]) => name,
  );
}
