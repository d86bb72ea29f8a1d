import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VERSION } from "../../src/api/endpoints.ts";

const BUILD = path.resolve(import.meta.dirname, "../../tools/build/build-command.ts");

/** A Node before 22.15, if this machine has one. */
const oldNode = (process.env["PATH"] ?? "")
  .split(":")
  .map((directory) => path.join(directory, "node"))
  .find((file) => existsSync(file) && isOld(file));

function isOld(node: string): boolean {
  const { stdout } = spawnSync(node, ["--version"], { encoding: "utf8" });
  const [major = 0, minor = 0] = stdout.slice(1).split(".").map(Number);
  return major >= 18 && (major < 22 || (major === 22 && minor < 15));
}

describe("npm run build", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nargate-bundle-"));
    execFileSync(process.execPath, ["--no-warnings", BUILD, directory]);
  }, 30_000);
  afterAll(() => rmSync(directory, { recursive: true }));

  function run(node: string, ...args: string[]) {
    const { status, stdout, stderr } = spawnSync(
      node,
      [path.join(directory, "nargate.js"), ...args],
      { encoding: "utf8", cwd: directory, env: { HOME: directory } },
    );
    return { code: status, stdout, stderr };
  }

  it("makes one file that runs without any other file", () => {
    expect(run(process.execPath, "--version")).toEqual({
      code: 0,
      stdout: `${VERSION}\n`,
      stderr: "",
    });
    expect(run(process.execPath, "key", "create", "test-1")).toMatchObject({ code: 0, stderr: "" });
    const refused = run(process.execPath, "push");
    expect([refused.code, refused.stderr.split("\n")]).toEqual([
      2,
      [expect.stringMatching(/^nargate: nothing to push: /), ""],
    ]);
  });

  it("makes a package that fetches nothing with it", () => {
    const manifest: unknown = JSON.parse(
      readFileSync(path.join(directory, "package.json"), "utf8"),
    );
    expect(manifest).toMatchObject({
      name: "nargate",
      version: VERSION,
      type: "module",
      bin: { nargate: "nargate.js" },
      engines: { node: ">=22.15" },
    });
    expect(manifest).not.toHaveProperty("dependencies");
    expect(manifest).not.toHaveProperty("optionalDependencies");
    const file = path.join(directory, "nargate.js");
    expect(statSync(file).mode & 0o111).toBe(0o111);
    expect(readFileSync(file, "utf8")).toMatch(/^#!\/usr\/bin\/env node\n/);
    expect(readFileSync(path.join(directory, "LICENSES.txt"), "utf8")).toMatch(/^commander\n/m);
  });

  it.skipIf(oldNode === undefined)("says in one line that an older Node will not do", () => {
    const { code, stdout, stderr } = run(oldNode ?? "", "--version");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(
      /^nargate: this is Node [\d.]+, but nargate needs Node 22\.15 or later\n$/,
    );
  });
});
