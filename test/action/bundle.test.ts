import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COMMITTED = path.join(ROOT, "action");

async function readFolder(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = (await readdir(folder)).toSorted();
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(path.join(folder, name), "utf8")] as const),
    ),
  );
}

const readProjectFile = async (name: string) => await readFile(path.join(ROOT, name), "utf8");

describe("docs/github-action.md", () => {
  it("has every input of action.yml with its default", async () => {
    const [, inputs = ""] =
      /^inputs:\n(.*)^outputs:$/ms.exec(await readProjectFile("action.yml")) ?? [];
    const documented = await readProjectFile("docs/github-action.md");
    const names = [...inputs.matchAll(/^ {2}([\w-]+):$/gm)].map(([, name = ""]) => name);
    expect(names).toContain("push-filter");
    for (const name of names.filter((input) => input !== "job-status")) {
      const [, block = ""] = new RegExp(`^  ${name}:\\n((?:    .*\\n)+)`, "m").exec(inputs) ?? [];
      const value = /^ {4}default: "?([^"\n]+)"?$/m.exec(block)?.[1];
      const cell = value === undefined ? "" : ` \`${value}\` |`;
      expect(documented).toContain(`| \`${name}\` |${cell}`);
    }
  });
});

describe("action/", () => {
  it("is what `npm run build:action` makes of src/ now", async () => {
    const fresh = await temporaryDirectory();
    const build = ["--no-warnings", "tools/build/build-action.ts", fresh];
    await promisify(execFile)(process.execPath, build, { cwd: ROOT });
    const [committed, made] = await Promise.all([readFolder(COMMITTED), readFolder(fresh)]);
    const stale = [...new Set([...Object.keys(committed), ...Object.keys(made)])].filter(
      (name) => committed[name] !== made[name],
    );
    expect(stale, "run npm run build:action").toEqual([]);
  });

  it("has nothing of the HTTP client that @actions/core brings along", async () => {
    const sizes = await Promise.all(
      (await readdir(COMMITTED)).map(async (name) => (await stat(path.join(COMMITTED, name))).size),
    );
    const bytes = sizes.reduce((total, size) => total + size, 0);
    expect(bytes).toBeLessThan(300_000);
  });

  it("has the files that action.yml names", async () => {
    const manifest = await readProjectFile("action.yml");
    const named = [...manifest.matchAll(/^ {2}(?:main|post): (\S+)$/gm)].map(([, file]) => file);
    expect(named).toEqual(["action/main.js", "action/post.js"]);
    expect(await readdir(COMMITTED)).toEqual(expect.arrayContaining(["main.js", "post.js"]));
  });
});
