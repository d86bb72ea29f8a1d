import { mkdir, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/client-error.ts";
import { findStore, resolveStorePath } from "../../../src/client/local-nix/store-location.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

describe("findStore", () => {
  it.each([
    { url: undefined, directory: "/nix/store" },
    { url: "", directory: "/nix/store" },
    { url: "auto", directory: "/nix/store" },
    { url: "daemon", directory: "/nix/store" },
    { url: "unix:///run/nix.sock", directory: "/nix/store" },
    { url: "local", directory: "/nix/store" },
    { url: "local?root=/mnt/", directory: "/mnt/nix/store" },
    { url: "local?root=/a%20b", directory: "/a b/nix/store" },
    { url: "local:///mnt", directory: "/mnt/nix/store" },
    { url: "local?real=/data/store&state=/x", directory: "/data/store" },
    { url: "/mnt", directory: "/mnt/nix/store" },
    { url: "ssh://host", directory: undefined },
    { url: "https://cache.nixos.org", directory: undefined },
  ])("finds the files of $url at $directory", ({ url, directory }) => {
    expect(findStore(url, {})).toEqual({ storeDir: "/nix/store", directory });
    expect(findStore(undefined, { NIX_REMOTE: url })).toEqual({
      storeDir: "/nix/store",
      directory,
    });
  });

  it("believes --store before NIX_REMOTE, and NIX_STORE_DIR", () => {
    const env = { NIX_REMOTE: "local?root=/wrong", NIX_STORE_DIR: "/my/store" };
    expect(findStore("local?root=/mnt", env)).toEqual({
      storeDir: "/my/store",
      directory: "/mnt/my/store",
    });
  });
});

describe("resolveStorePath", () => {
  const BASE_NAME = `${"a".repeat(32)}-thing`;

  it.each([
    { what: "a store path", text: `/nix/store/${BASE_NAME}` },
    { what: "a store path with a slash", text: `/nix/store/${BASE_NAME}/` },
    { what: "a file in one", text: `/nix/store/${BASE_NAME}/bin/x` },
    { what: "a link in the working directory", text: "./result" },
    { what: "a link to a link", text: "second" },
    { what: "a file below a linked directory", text: "linked/result/bin/x" },
    { what: "a path in the store's own directory", text: `root/nix/store/${BASE_NAME}` },
  ])("finds $what, though the store is below another root", async ({ text }) => {
    const cwd = await temporaryDirectory();
    await mkdir(path.join(cwd, "real"));
    await symlink(`/nix/store/${BASE_NAME}`, path.join(cwd, "result"));
    await symlink("result", path.join(cwd, "second"));
    await symlink("real", path.join(cwd, "linked"));
    await symlink(`/nix/store/${BASE_NAME}`, path.join(cwd, "real/result"));
    const location = { storeDir: "/nix/store", directory: path.join(cwd, "root/nix/store") };
    const found = await resolveStorePath(text, location, cwd);
    expect(`${found.hash}-${found.name}`).toBe(BASE_NAME);
  });

  it.each([
    { what: "a file elsewhere", text: "file", message: "file is not in the store /nix/store" },
    { what: "what is not there", text: "other", message: "other does not exist" },
    { what: "no store path", text: "/nix/store/x", message: "/nix/store/x is not a store path" },
    { what: "a circle of links", text: "circle", message: "circle: too many symlinks" },
  ])("refuses $what", async ({ text, message }) => {
    const cwd = await temporaryDirectory();
    await symlink("circle", path.join(cwd, "circle"));
    await writeFile(path.join(cwd, "file"), "");
    const resolving = resolveStorePath(text, { storeDir: "/nix/store", directory: undefined }, cwd);
    await expect(resolving).rejects.toThrow(UsageError);
    await expect(resolving).rejects.toThrow(message);
  });
});
