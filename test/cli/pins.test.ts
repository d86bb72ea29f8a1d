import { describe, expect, it } from "vitest";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { samplePath } from "../../testkit/node/sample-path.ts";
import { NO_PINS, PINNED, refusal, servePins } from "../../testkit/node/serve-pins.ts";

const HASH = "0123456789abcdfghijklmnpqrsvwxyz";
const BASE = `${HASH}-thing`;
const NOW = new Date("2026-11-28T12:00:00Z");
const OTHER = BASE.replace("0", "1");

describe("nargate pin", () => {
  it.each([
    { what: "all revisions", flags: [], keep: "forever", says: "keeps all revisions" },
    {
      what: "all revisions",
      flags: ["--keep-forever"],
      keep: "forever",
      says: "keeps all revisions",
    },
    {
      what: "the last ones",
      flags: ["--keep-revisions", "3"],
      keep: { revisions: 3 },
      says: "keeps the last 3 revisions",
    },
    {
      what: "the last days",
      flags: ["--keep-days", "1"],
      keep: { days: 1 },
      says: "keeps the revisions of a day",
    },
  ])("pins a path and keeps $what", async ({ flags, keep, says }) => {
    const { url, sent } = await servePins(PINNED);
    const result = await runNargate(["pin", "main", `/nix/store/${BASE}`, "--to", url, ...flags]);
    expect(result).toEqual({
      code: 0,
      stdout: `pinned as main (${says}, 2 paths now, 1 older dropped)\n  /nix/store/${BASE}\n`,
      stderr: "",
    });
    expect(sent).toEqual([{ name: "main", path: BASE, keep }]);
  });

  it("prints JSON", async () => {
    const { url } = await servePins(PINNED);
    const { stdout } = await runNargate(["pin", "main", BASE, "--json", "--to", url]);
    expect(JSON.parse(stdout)).toEqual({
      name: "main",
      path: `/nix/store/${BASE}`,
      keep: "forever",
      kept: 2,
      dropped: 1,
    });
  });

  it("finds the name of a path by its hash in the cache", async () => {
    const path = await samplePath("thing");
    const { url, sent } = await servePins(PINNED, { [`${path.hash}.narinfo`]: path.narinfo });
    expect((await runNargate(["pin", "main", path.hash, "--to", url])).code).toBe(0);
    expect(sent).toEqual([{ name: "main", path: `${path.hash}-thing`, keep: "forever" }]);
    const { code, stderr } = await runNargate(["pin", "main", HASH, "--to", url]);
    expect(code).toBe(1);
    expect(stderr).toBe(
      `nargate: the cache has no path with the hash ${HASH}. Push it before you pin it\n`,
    );
  });

  it.each([
    {
      what: "a name with a slash",
      args: ["a/b", BASE],
      line: "a/b is no name for a pin: it has 1 to 100 letters, digits and . _ -, and begins with a letter or digit",
    },
    {
      what: "two rules",
      args: ["a", BASE, "--keep-days", "3", "--keep-forever"],
      line: "option '--keep-days <n>' cannot be used with option '--keep-forever'",
    },
    {
      what: "no days",
      args: ["a", BASE, "--keep-days", "0"],
      line: "option '--keep-days <n>' argument '0' is invalid. Give a number from 1 to 36500.",
    },
    {
      what: "too many revisions",
      args: ["a", BASE, "--keep-revisions", "1001"],
      line: "option '--keep-revisions <n>' argument '1001' is invalid. Give a number from 1 to 1000.",
    },
  ])("refuses $what, and exits with 2", async ({ args, line }) => {
    const result = await runNargate(["pin", ...args, "--to", "http://127.0.0.1:9"]);
    expect(result).toEqual({ code: 2, stdout: "", stderr: `nargate: ${line}\n` });
  });

  it("shows a refusal in one line, and says that an older gateway knows no pins", async () => {
    const absent = refusal("pin-path-absent", "Push the path\n\u001B[31mfirst: x.");
    const { url } = await servePins([409, absent]);
    expect(await runNargate(["pin", "main", BASE, "--to", url])).toEqual({
      code: 1,
      stdout: "",
      stderr: "nargate: api/v1/pins: 409 Push the path [31mfirst: x.\n",
    });
    const older = await servePins(NO_PINS);
    for (const args of [["pin", "main", BASE], ["unpin", "main"], ["pins"]]) {
      const { code, stderr } = await runNargate([...args, "--to", older.url]);
      expect([code, stderr]).toEqual([
        1,
        "nargate: this cache knows no pins: its gateway is older than this command. Ask its operator to deploy a newer version\n",
      ]);
    }
  });
});

describe("nargate unpin", () => {
  it("removes a pin", async () => {
    const { url, sent } = await servePins([200, { removed: 1, rest: false }]);
    expect(await runNargate(["unpin", "main", "--to", url])).toEqual({
      code: 0,
      stdout: "unpinned main: 1 revision removed\n",
      stderr: "",
    });
    expect(sent).toEqual([{ name: "main" }]);
    const { stdout } = await runNargate(["unpin", "main", "--json", "--to", url]);
    expect(JSON.parse(stdout)).toEqual({ name: "main", removed: 1 });
  });

  it("fails if there is no such pin", async () => {
    const { url } = await servePins([404, refusal("pin-unknown", "There is no pin of this name.")]);
    const { code, stderr } = await runNargate(["unpin", "main", "--to", url]);
    expect(code).toBe(1);
    expect(stderr).toBe("nargate: api/v1/pins/remove: 404 There is no pin of this name.\n");
  });
});

const revision = (name: string, path: string, at: string, keep: unknown, by = "ci") => ({
  name,
  path,
  at,
  by,
  keep,
});

describe("nargate pins", () => {
  const REVISIONS = [
    revision("main", BASE, "2026-11-26T12:00:00.000Z", "forever"),
    revision("main", OTHER, "2026-11-27T12:00:00.000Z", { revisions: 1 }, "al\u001B[31mice"),
    revision("old", BASE, "2026-11-01T12:00:00.000Z", { days: 7 }),
  ];

  it("lists the pins with the paths that they keep, in 80 columns", async () => {
    const { url } = await servePins([200, { revisions: REVISIONS, unreadable: [], next: null }]);
    const { code, stdout, stderr } = await runNargate(["pins", "--to", url], { now: () => NOW });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(
      [
        "main",
        "  keeps the last revision; last pinned by al [31mice",
        `  2026-11-27  /nix/store/${OTHER}`,
        "old",
        "  keeps the revisions of 7 days; last pinned by ci",
        "  ENDED: the last revision is of 2026-11-01",
        "",
        "2 pins, 1 path kept",
        "",
      ].join("\n"),
    );
    for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("prints JSON, also with what is no longer kept", async () => {
    const { url } = await servePins([200, { revisions: REVISIONS, unreadable: [], next: null }]);
    const { stdout } = await runNargate(["pins", "--json", "--to", url], { now: () => NOW });
    expect(JSON.parse(stdout)).toMatchObject({
      url,
      pins: [
        {
          name: "main",
          keep: { revisions: 1 },
          revisions: [
            { path: `/nix/store/${OTHER}`, at: "2026-11-27T12:00:00.000Z", kept: true },
            { path: `/nix/store/${BASE}`, by: "ci", kept: false },
          ],
        },
        { name: "old", keep: { days: 7 }, revisions: [{ kept: false }] },
      ],
      unreadable: [],
    });
  });

  it("says that there are none", async () => {
    const { url } = await servePins([200, { revisions: [], unreadable: [], next: null }]);
    const { code, stdout } = await runNargate(["pins", "--to", url]);
    expect([code, stdout]).toEqual([0, "0 pins, 0 paths kept\n"]);
  });

  it("warns of objects that are no pins, and exits with 1", async () => {
    const unreadable = Array.from({ length: 12 }, (_, at) => `x/${at}\u202E`);
    const { url } = await servePins([200, { revisions: [], unreadable, next: null }]);
    const { code, stdout } = await runNargate(["pins", "--to", url]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      "UNREADABLE: 12 objects below .nargate/pins/ in the bucket:\n  x/0 \n",
    );
    expect(stdout).toContain("  x/9 \n  and 2 more\n");
    expect(stdout).not.toContain("\u202E");
  });
});
