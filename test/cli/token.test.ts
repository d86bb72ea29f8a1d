import { createHash } from "node:crypto";
import { lstat, mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { parseTokens } from "../../src/settings/token-entries.ts";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const NOW = new Date("2026-11-22T12:00:00Z");

async function openDirectory() {
  const cwd = await temporaryDirectory();
  const env = { HOME: cwd };
  const run = (...args: string[]) => runNargate(["token", ...args], { cwd, env, now: () => NOW });
  return {
    cwd,
    file: path.join(cwd, ".config/nargate/tokens.json"),
    run,
    /** Makes the first token of the list. */
    begin: (...args: string[]) => run("create", "--new", ...args),
    /** The same in another folder, as in a second clone. */
    runElsewhere: async (...args: string[]) =>
      runNargate(["token", ...args], { cwd: await temporaryDirectory(), env, now: () => NOW }),
  };
}

describe("nargate token", () => {
  it("shows a token once and keeps its hash alone, for its owner's eyes", async () => {
    const { file, begin } = await openDirectory();
    const { code, stdout, stderr } = await begin("ci", "--expires", "90d");
    expect([code, stderr]).toEqual([0, ""]);
    const token = /^ {2}(nargate_[0-9a-z]{52})$/m.exec(stdout)?.[1] ?? "";
    const text = await readFile(file, "utf8");
    expect(text).not.toContain(token);
    const sha256 = createHash("sha256").update(token).digest("hex");
    expect(parseTokens(text)).toEqual({
      ok: true,
      value: [{ name: "ci", scopes: ["push"], sha256, expires: "2027-02-20" }],
    });
    expect((await stat(file)).mode & 0o077).toBe(0);
    expect(stdout).toContain(
      `npx wrangler secret put TOKENS < ${file}\nIf nargate init made the cache, run it again afterwards: it brings its secrets.env up to date.\n`,
    );
    expect(stdout).toContain(`  ${text}`);
  });

  it("in a second clone adds to the same list, and cuts nobody off", async () => {
    const { file, begin, runElsewhere } = await openDirectory();
    await begin("ci");
    const { code, stdout } = await runElsewhere("create", "laptop");
    expect(code).toBe(0);
    expect(stdout).toContain("It holds 2 tokens, as hashes only:");
    const entries: { name: string }[] = JSON.parse(await readFile(file, "utf8"));
    expect(entries.map(({ name }) => name)).toEqual(["ci", "laptop"]);
  });

  it.each([["create", "ci"], ["list"], ["revoke", "ci"]])(
    "does not take a list that is missing for an empty one: %s",
    async (...given) => {
      const { file, run } = await openDirectory();
      const { code, stdout, stderr } = await run(...given);
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toContain(`there is no list of tokens at ${file}. For the first token`);
      expect(stderr).toContain("--new begins another list, and every token that is not in it ends");
      await expect(stat(file)).rejects.toThrow("ENOENT");
    },
  );

  it("does not begin a list anew that holds tokens", async () => {
    const { file, begin } = await openDirectory();
    await begin("ci");
    const before = await readFile(file, "utf8");
    const { code, stderr } = await begin("laptop");
    expect(code).toBe(2);
    expect(stderr).toContain(`${file} holds 1 token already: leave out --new`);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it("says how to move the list of version 0.1", async () => {
    const { cwd, file, run } = await openDirectory();
    await mkdir(path.join(cwd, ".nargate"));
    await writeFile(path.join(cwd, ".nargate/tokens.json"), "[]");
    const { code, stderr } = await run("create", "ci");
    expect(code).toBe(2);
    expect(stderr).toContain(`mv ${cwd}/.nargate/tokens.json ${file}\n`);
  });

  it("takes several scopes", async () => {
    const { begin, run } = await openDirectory();
    await begin("--scope", "read", "--scope", "push", "laptop");
    expect((await run("list")).stdout).toBe("laptop\tread,push\tno expiry\n");
  });

  it("lists and revokes by name", async () => {
    const { file, begin, run } = await openDirectory();
    await begin("ci", "--expires", "2026-11-21");
    await run("create", "laptop");
    expect((await run("list")).stdout).toBe(
      "ci\tpush\tuntil 2026-11-21\tEXPIRED\nlaptop\tpush\tno expiry\n",
    );
    const { code, stdout } = await run("revoke", "ci");
    expect([code, stdout.split("\n")[0]]).toEqual([
      0,
      "Removed ci from the list. The token works until you store the new value.",
    ]);
    expect((await run("list")).stdout).toBe("laptop\tpush\tno expiry\n");
    await run("revoke", "laptop");
    expect((await run("list")).stdout).toBe(`No tokens in ${file}.\n`);
  });

  it("does not follow a symlink that somebody has planted beside the list", async () => {
    const { file, begin } = await openDirectory();
    const target = `${path.dirname(file)}/target`;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(target, "keep me");
    await symlink(target, `${file}.new`);
    await begin("ci");
    expect(await readFile(target, "utf8")).toBe("keep me");
    expect((await lstat(file)).isFile()).toBe(true);
  });

  it("keeps the list where --file says", async () => {
    const { file, begin, run } = await openDirectory();
    await begin("ci", "--file", "elsewhere.json");
    await expect(stat(file)).rejects.toThrow("ENOENT");
    expect((await run("list", "--file", "elsewhere.json")).stdout).toContain("ci\t");
  });

  it("prints JSON for a program", async () => {
    const { file, begin, run } = await openDirectory();
    const made: unknown = JSON.parse((await begin("ci", "--json")).stdout);
    expect(made).toMatchObject({
      name: "ci",
      token: expect.stringMatching(/^nargate_/),
      scopes: ["push"],
      expires: null,
    });
    const kept: unknown = JSON.parse(await readFile(file, "utf8"));
    expect(made).toHaveProperty("tokens", kept);
    expect(JSON.parse((await run("list", "--json")).stdout)).toEqual([
      { name: "ci", scopes: ["push"], expires: null, isCurrent: true },
    ]);
    expect(JSON.parse((await run("revoke", "ci", "--json")).stdout)).toEqual({
      name: "ci",
      tokens: [],
    });
  });

  it("says when it is full, and changes nothing then", async () => {
    const { file, run } = await openDirectory();
    const entries = Array.from({ length: 44 }, (_, index) => ({
      name: `a-machine-${index}`,
      sha256: "0".repeat(64),
      scopes: ["push"],
    }));
    await mkdir(path.dirname(file), { recursive: true });
    const text = JSON.stringify(entries);
    await writeFile(file, text);
    const { code, stderr } = await run("create", "one-more");
    expect(code).toBe(2);
    expect(stderr).toMatch(/^nargate: TOKENS is full: it has 44 tokens,/);
    expect(await readFile(file, "utf8")).toBe(text);
  });

  it.each([
    {
      what: "a name twice",
      given: ["create", "ci"],
      line: "a token with the name ci already exists",
    },
    {
      what: "a wrong scope",
      given: ["create", "x", "--scope", "all"],
      line: "--scope must be one of",
    },
    {
      what: "a wrong expiry",
      given: ["create", "x", "--expires", "soon"],
      line: "--expires must be a day such as",
    },
    {
      what: "a name that is none",
      given: ["create", "a b"],
      line: "the name of a token has 1 to 64 characters: letters, digits and . _ @ - (entry 2 needs a name of 1 to 64 letters, digits and _ . @ -)",
    },
    {
      what: "a token that is not there",
      given: ["revoke", "nobody"],
      line: "tokens.json has no token with the name nobody",
    },
  ])("refuses $what in one line with exit code 2, and changes nothing", async ({ given, line }) => {
    const { file, begin, run } = await openDirectory();
    await begin("ci");
    const before = await readFile(file, "utf8");
    const { code, stdout, stderr } = await run(...given);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^nargate: [^\n]+\n$/);
    expect(stderr).toContain(line);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it("refuses a list that it cannot read, without showing it", async () => {
    const { file, run } = await openDirectory();
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, '[{"name":"secret"}]');
    const { code, stderr } = await run("list");
    expect(code).toBe(2);
    expect(stderr).toBe(
      `nargate: ${file} entry 1 needs sha256, which is 64 lower-case hex digits\n`,
    );
  });
});
