import { describe, expect, it } from "vitest";
import { createFakeStore } from "../../testkit/node/fake-store.ts";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { NO_PINS, PINNED, servePins } from "../../testkit/node/serve-pins.ts";

const PATH = `/nix/store/${"a".repeat(32)}-thing`;
const OTHER = `/nix/store/${"b".repeat(32)}-thing`;

describe("nargate push --pin", () => {
  it("pins the path after it is pushed", async () => {
    const { env, cwd, top } = await createFakeStore();
    const { url, sent } = await servePins(PINNED);
    const args = ["push", "--pin", "main", "--keep-revisions", "2", "--json", "--to", url, top];
    const { code, stdout, stderr } = await runNargate(args, { env, cwd });
    expect(code).toBe(0);
    expect(sent).toEqual([
      { name: "main", path: top.slice("/nix/store/".length), keep: { revisions: 2 } },
    ]);
    expect(JSON.parse(stdout).pin).toEqual({
      name: "main",
      keep: { revisions: 2 },
      kept: 2,
      dropped: 1,
    });
    expect(stderr).toContain(
      "pinned as main (keeps the last 2 revisions, 2 paths now, 1 older dropped)\n",
    );
  });

  it("exits with 1 if the gateway does not pin it", async () => {
    const { env, cwd, top } = await createFakeStore();
    const { url } = await servePins(NO_PINS);
    const args = ["push", "--pin", "main", "--json", "--to", url, top];
    const { code, stdout, stderr } = await runNargate(args, { env, cwd });
    expect(code).toBe(1);
    expect(JSON.parse(stdout).pin).toEqual({
      name: "main",
      message: expect.stringContaining("this cache knows no pins"),
    });
    expect(stderr).toContain("\nnot pinned as main: this cache knows no pins");
  });

  it("does not pin a path if the push of one that it needs fails", async () => {
    const { env, cwd, top } = await createFakeStore();
    const first = `/nix/store/000${"a".repeat(29)}-p0`;
    const { url, sent } = await servePins(PINNED, {
      // A narinfo of another path: the command cannot use it.
      [`${first.slice(11, 43)}.narinfo`]: "garbage",
    });
    const args = ["push", "--pin", "main", "--to", url, top];
    const { code, stderr } = await runNargate(args, { env, cwd });
    expect(code).toBe(1);
    expect(sent).toEqual([]);
    expect(stderr).toMatch(/\nnot pinned as main: .*was not pushed\n/);
  });

  it.each([
    {
      what: "two paths",
      args: ["--pin", "main", PATH, OTHER],
      line: "--pin needs exactly one path, but 2 are named",
    },
    {
      what: "a name that is none",
      args: ["--pin", "..", PATH],
      line: ".. is no name for a pin: it has 1 to 100 letters, digits and . _ -, and begins with a letter or digit",
    },
    {
      what: "a rule without a pin",
      args: ["--keep-days", "3", PATH],
      line: "the flags --keep-… need --pin NAME",
    },
  ])("refuses $what before anything is pushed", async ({ args, line }) => {
    const result = await runNargate(["push", ...args, "--to", "http://127.0.0.1:9"]);
    expect(result).toEqual({ code: 2, stdout: "", stderr: `nargate: ${line}\n` });
  });
});
