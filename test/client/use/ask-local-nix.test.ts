import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { askLocalNix, isTrustedUser } from "../../../src/client/use/ask-local-nix.ts";
import { createFakeNix, type FakeNixOptions } from "../../../testkit/node/fake-nix.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

async function ask(options: FakeNixOptions, env: Readonly<Record<string, string>> = {}) {
  const directory = await temporaryDirectory();
  const PATH = await createFakeNix(directory, options);
  const nix = await askLocalNix(createTestContext({ cwd: directory, env: { PATH, ...env } }));
  if ("reason" in nix) throw new Error(nix.reason);
  return nix;
}

describe("askLocalNix", () => {
  it.each([
    { what: "true", store: { url: "daemon", trusted: true }, isTrusted: true },
    { what: "false", store: { url: "daemon", trusted: false }, isTrusted: false },
    {
      what: "1, as the first versions",
      store: { url: "unix:///socket", trusted: 1 },
      isTrusted: true,
    },
    {
      what: "0, as the first versions",
      store: { url: "unix:///socket", trusted: 0 },
      isTrusted: false,
    },
  ] as const)("believes a Nix that says $what", async ({ store, isTrusted }) => {
    const { trust } = await ask({ store });
    expect(trust).toEqual({ isTrusted, isOwnStore: false, user: "alice" });
  });

  it.each([
    {
      what: "a user who is named",
      system: { "trusted-users": ["root", "alice"] },
      isTrusted: true,
    },
    { what: "one of a group", system: { "trusted-users": "root @wheel" }, isTrusted: true },
    { what: "nobody but root", system: {}, isTrusted: false },
    {
      what: "one who names themselves",
      system: {},
      own: { "trusted-users": ["alice"] },
      isTrusted: false,
    },
  ])("reads trusted-users if Nix does not say it: $what", async ({ isTrusted, ...options }) => {
    const { trust } = await ask(
      { ...options, groups: ["alice", "wheel"], isOld: true },
      { NIX_REMOTE: "daemon" },
    );
    expect(trust.isTrusted).toBe(isTrusted);
  });

  it("takes a store that this user may write for their own", async () => {
    const state = await temporaryDirectory();
    const { trust } = await ask({ isOld: true }, { NIX_STATE_DIR: state });
    expect(trust).toEqual({ isTrusted: true, isOwnStore: true, user: "alice" });
  });

  it("finds the daemon by its socket", async () => {
    const directory = await temporaryDirectory();
    await mkdir(path.join(directory, "daemon-socket"));
    const socket = path.join(directory, "daemon-socket/socket");
    await writeFile(socket, "");
    const env = { NIX_STATE_DIR: "/nonexistent", NIX_DAEMON_SOCKET_PATH: socket };
    const { trust } = await ask({ isOld: true }, env);
    expect(trust).toEqual({ isTrusted: false, isOwnStore: false, user: "alice" });
  });

  it("does not guess without a store and a daemon", async () => {
    const { trust } = await ask({ isOld: true }, { NIX_STATE_DIR: "/nonexistent" });
    expect(trust.isTrusted).toBeUndefined();
  });

  it.each([
    { who: "a trusted user", trusted: true, substituters: ["https://own.example"] },
    { who: "an untrusted user", trusted: false, substituters: ["https://system.example"] },
  ])("takes the settings that count for $who", async ({ trusted, substituters }) => {
    const { settings } = await ask({
      store: { url: "daemon", trusted },
      system: { substituters: ["https://system.example"] },
      own: { substituters: ["https://own.example"] },
    });
    expect(settings.substituters).toEqual(substituters);
  });

  it("says that there is no Nix", async () => {
    const env = { PATH: await temporaryDirectory() };
    expect(await askLocalNix(createTestContext({ env, cwd: "/" }))).toEqual({
      reason: "nix is not on the PATH; install Nix",
    });
  });

  it("says why Nix does not show its settings", async () => {
    const directory = await temporaryDirectory();
    const script = '#!/bin/sh\necho "error: illegal configuration line" >&2\nexit 1\n';
    await writeFile(path.join(directory, "nix"), script, { mode: 0o755 });
    expect(await askLocalNix(createTestContext({ env: { PATH: directory }, cwd: "/" }))).toEqual({
      reason: "nix: error: illegal configuration line",
    });
  });
});

describe("isTrustedUser", () => {
  it.each([
    { what: "everyone", entries: ["*"], isTrusted: true },
    { what: "the user", entries: ["root", "alice"], isTrusted: true },
    { what: "a group of theirs", entries: ["@wheel"], isTrusted: true },
    { what: "a group that is not theirs", entries: ["@admin"], isTrusted: false },
    { what: "a user named like their group", entries: ["wheel"], isTrusted: false },
    { what: "a group named like the user", entries: ["@alice"], isTrusted: false },
    { what: "nobody", entries: [], isTrusted: false },
  ])("reads $what", ({ entries, isTrusted }) => {
    expect(isTrustedUser(entries, "alice", ["users", "wheel"])).toBe(isTrusted);
  });
});
