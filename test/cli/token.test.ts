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
  return {
    file: path.join(cwd, ".nargate/tokens.json"),
    run: (...args: string[]) => runNargate(["token", ...args], { cwd, now: () => NOW }),
  };
}

describe("nargate token", () => {
  it("shows a token once and keeps its hash alone, for its owner's eyes", async () => {
    const { file, run } = await openDirectory();
    const { code, stdout, stderr } = await run("create", "ci", "--expires", "90d");
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
    expect(stdout).toContain("npx wrangler secret put TOKENS < .nargate/tokens.json\n");
    expect(stdout).toContain(`  ${text}`);
  });

  it("takes several scopes", async () => {
    const { run } = await openDirectory();
    await run("create", "--scope", "read", "--scope", "push", "laptop");
    expect((await run("list")).stdout).toBe("laptop\tread,push\tno expiry\n");
  });

  it("lists and revokes by name", async () => {
    const { run } = await openDirectory();
    await run("create", "ci", "--expires", "2026-11-21");
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
    expect((await run("list")).stdout).toBe("No tokens in .nargate/tokens.json.\n");
  });

  it("does not follow a symlink that somebody has planted beside the list", async () => {
    const { file, run } = await openDirectory();
    const target = `${path.dirname(file)}/target`;
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(target, "keep me");
    await symlink(target, `${file}.new`);
    await run("create", "ci");
    expect(await readFile(target, "utf8")).toBe("keep me");
    expect((await lstat(file)).isFile()).toBe(true);
  });

  it("keeps the list where --file says", async () => {
    const { file, run } = await openDirectory();
    await run("create", "ci", "--file", "elsewhere.json");
    await expect(stat(file)).rejects.toThrow("ENOENT");
    expect((await run("list", "--file", "elsewhere.json")).stdout).toContain("ci\t");
  });

  it("prints JSON for a program", async () => {
    const { file, run } = await openDirectory();
    const made: unknown = JSON.parse((await run("create", "ci", "--json")).stdout);
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
    await mkdir(path.dirname(file));
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
      line: ".nargate/tokens.json has no token with the name nobody",
    },
  ])("refuses $what in one line with exit code 2, and changes nothing", async ({ given, line }) => {
    const { file, run } = await openDirectory();
    await run("create", "ci");
    const before = await readFile(file, "utf8");
    const { code, stdout, stderr } = await run(...given);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^nargate: [^\n]+\n$/);
    expect(stderr).toContain(line);
    expect(await readFile(file, "utf8")).toBe(before);
  });

  it("refuses a list that it cannot read, without showing it", async () => {
    const { file, run } = await openDirectory();
    await mkdir(path.dirname(file));
    await writeFile(file, '[{"name":"secret"}]');
    const { code, stderr } = await run("list");
    expect(code).toBe(2);
    expect(stderr).toBe(
      `nargate: ${file} entry 1 needs sha256, which is 64 lower-case hex digits\n`,
    );
  });
});
