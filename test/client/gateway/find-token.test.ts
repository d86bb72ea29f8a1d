import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { findToken } from "../../../src/client/gateway/find-token.ts";
import { UsageError } from "../../../src/client/client-error.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";

const URL = "https://cache.example.org";

/** Writes files into a directory that is both home and current directory. */
async function prepare(files: Readonly<Record<string, string>>) {
  const directory = await temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(directory, name);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  }
  return { directory, env: { HOME: directory, NIX_CONF_DIR: path.join(directory, "etc") } };
}

const { stdin } = createTestContext();

const entry = (password: string) => `machine cache.example.org password ${password}\n`;

describe("findToken", () => {
  const files = {
    "token.txt": "of-file\n",
    netrc: entry("of-netrc-variable"),
    ".config/nix/netrc": entry("of-nix-netrc"),
    ".netrc": entry("of-home-netrc"),
    "etc/netrc": entry("of-daemon-netrc"),
  };
  it.each([
    {
      what: "--token-file first",
      given: "token.txt",
      env: { NARGATE_TOKEN: "t" },
      token: "of-file",
    },
    {
      what: "NARGATE_TOKEN next",
      env: { NARGATE_TOKEN: " of-variable\n", NETRC: "netrc" },
      token: "of-variable",
    },
    { what: "$NETRC next", env: { NETRC: "netrc" }, token: "of-netrc-variable" },
    { what: "Nix's own netrc of the user next", env: {}, token: "of-nix-netrc" },
    {
      what: "that of XDG_CONFIG_HOME",
      env: { XDG_CONFIG_HOME: "nowhere" },
      token: "of-home-netrc",
    },
    {
      what: "the daemon's last",
      env: { XDG_CONFIG_HOME: "nowhere", HOME: "/nowhere" },
      token: "of-daemon-netrc",
    },
    { what: "past an empty variable", env: { NARGATE_TOKEN: "" }, token: "of-nix-netrc" },
    { what: "past an empty name", env: { XDG_CONFIG_HOME: "" }, token: "of-nix-netrc" },
  ])("takes $what", async ({ given, env, token }) => {
    const { directory, env: base } = await prepare(files);
    const paths = Object.entries(env).map(([name, value]) => [
      name,
      name === "NETRC" ? path.join(directory, value) : value,
    ]);
    const context = { env: { ...base, ...Object.fromEntries(paths) }, cwd: directory, stdin };
    expect((await findToken(URL, given, context))?.token).toBe(token);
  });

  it.each(["-", "/dev/stdin"])("reads standard input for --token-file %s", async (given) => {
    const context = {
      env: { NARGATE_TOKEN: "t" },
      cwd: "/",
      stdin: Readable.from(["of-", "pipe\n"]),
    };
    expect(await findToken(URL, given, context)).toEqual({
      token: "of-pipe",
      source: "standard input",
    });
  });

  it("refuses an empty standard input", async () => {
    await expect(findToken(URL, "-", { env: {}, cwd: "/", stdin })).rejects.toThrow(
      "the token from standard input is empty",
    );
  });

  it("passes over a netrc without the host", async () => {
    const { directory, env } = await prepare({
      ".config/nix/netrc": "machine other password x\n",
      ".netrc": entry("of-home"),
    });
    expect(await findToken(URL, undefined, { env, cwd: directory, stdin })).toEqual({
      token: "of-home",
      source: path.join(directory, ".netrc"),
    });
  });

  it("finds no token if there is none", async () => {
    const { directory, env } = await prepare({});
    expect(await findToken(URL, undefined, { env, cwd: directory, stdin })).toBeUndefined();
  });

  it.each([
    {
      what: "a file that is not there",
      given: "absent",
      message: "cannot read --token-file absent: there is no such file",
    },
    {
      what: "an empty file",
      given: "empty",
      message: "the token from empty is empty, too long, or contains",
    },
    {
      what: "two words",
      given: "words",
      message: "the token from words is empty, too long, or contains",
    },
    {
      what: "a control character",
      given: "bell",
      message: "the token from bell is empty, too long, or contains",
    },
  ])("refuses $what, without showing it", async ({ given, message }) => {
    const { directory, env } = await prepare({
      empty: "",
      words: "secret words",
      bell: "secret\u0007",
    });
    const finding = findToken(URL, given, { env, cwd: directory, stdin });
    await expect(finding).rejects.toThrow(UsageError);
    await expect(finding).rejects.toThrow(message);
    await expect(finding).rejects.not.toThrow("secret");
  });

  it.each(["http://cache.example.org", "http://127.0.0.1.example.org", "http://[::2]:8787"])(
    "does not send a token to %s",
    async (url) => {
      await expect(
        findToken(url, undefined, { env: { NARGATE_TOKEN: "t" }, cwd: "/", stdin }),
      ).rejects.toThrow("over plain http. Use an https URL");
    },
  );

  it.each([
    "http://127.0.0.1:8787",
    "http://localhost:8787",
    "http://[::1]:8787",
    "https://cache.example.org",
  ])("sends a token to %s", async (url) => {
    const found = await findToken(url, undefined, { env: { NARGATE_TOKEN: "t" }, cwd: "/", stdin });
    expect(found).toEqual({ token: "t", source: "NARGATE_TOKEN" });
  });
});
