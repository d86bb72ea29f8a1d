import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { resolvePathArgument } from "../../../src/cli/closure/path-argument.ts";
import { UsageError } from "../../../src/client/client-error.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const PATH = `/nix/store/${HASH}-thing-1.0`;

async function resolve(text: string, cwd = "/nonexistent") {
  return await resolvePathArgument(text, "/nix/store", { env: {}, cwd });
}

describe("resolvePathArgument", () => {
  it.each([
    { what: "a store path", text: PATH, found: PATH },
    { what: "something in one", text: `${PATH}/bin/thing`, found: PATH },
    { what: "a base name", text: `${HASH}-thing-1.0`, found: PATH },
    { what: "a hash, which stays one", text: HASH, found: HASH },
    { what: "a path with detours", text: `/nix/../nix/store/./${HASH}-thing-1.0/`, found: PATH },
  ])("reads $what", async ({ text, found }) => {
    expect(await resolve(text)).toEqual({ hash: HASH, text: found });
  });

  it("follows a link whose store path is not on this machine", async () => {
    const directory = await temporaryDirectory();
    await symlink(PATH, path.join(directory, "result"));
    await symlink("result", path.join(directory, "link-to-a-link"));
    for (const text of ["result", "./link-to-a-link", "result/bin/thing"]) {
      expect(await resolve(text, directory)).toEqual({ hash: HASH, text: PATH });
    }
  });

  it("reads a path in the store that the cache is for", async () => {
    const found = await resolvePathArgument(`/gnu/store/${HASH}-x`, "/gnu/store", {
      env: {},
      cwd: "/",
    });
    expect(found.text).toBe(`/gnu/store/${HASH}-x`);
  });

  it("refuses what leads to no store path", async () => {
    const directory = await temporaryDirectory();
    await writeFile(path.join(directory, "file"), "");
    await mkdir(path.join(directory, "directory"));
    for (const text of ["file", "directory", "absent", "/nix/store", "/nix/store/thing", ""]) {
      await expect(resolve(text, directory)).rejects.toThrow(UsageError);
    }
  });
});
