import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseTokens } from "../../src/access/token.ts";
import { parseSecretKey } from "../../src/nix/signature.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

/** As npm runs it. */
function run(command: string, ...commandArguments: string[]) {
  const script = path.join(ROOT, `src/cli/${command}.ts`);
  const result = spawnSync(process.execPath, ["--no-warnings", script, ...commandArguments], {
    encoding: "utf8",
    cwd: ROOT,
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

describe("npm run token", () => {
  let directory: string;
  let file: string;
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), "nargate-token-"));
    file = path.join(directory, "tokens.json");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it("shows a token once and keeps its hash alone, for its owner's eyes", () => {
    const made = run("token", "create", "ci", "--expires", "90d", "--file", file);
    expect(made.code).toBe(0);
    const token = /^ {2}(nargate_[0-9a-z]{52})$/m.exec(made.stdout)?.[1] ?? "";
    const text = readFileSync(file, "utf8");
    expect(text).not.toContain(token);
    const entries = parseTokens(text);
    expect(entries).toMatchObject({
      ok: true,
      value: [
        {
          name: "ci",
          scopes: ["push"],
          sha256: createHash("sha256").update(token).digest("hex"),
          expires: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
        },
      ],
    });
    expect(statSync(file).mode & 0o077).toBe(0);
  });

  it("lists and revokes by name", () => {
    run("token", "create", "laptop", "--scope", "read", "--file", file);
    expect(run("token", "list", "--file", file).stdout).toMatch(/^laptop\tread\tno expiry$/m);
    expect(run("token", "revoke", "laptop", "--file", file).code).toBe(0);
    expect(run("token", "list", "--file", file).stdout).not.toContain("laptop");
  });

  it("says when it is full, and changes nothing then", () => {
    const full = path.join(directory, "full.json");
    const entries = Array.from({ length: 40 }, (_, index) => ({
      name: `machine-${index}`,
      sha256: "0".repeat(64),
      scopes: ["push"],
    }));
    writeFileSync(full, JSON.stringify(entries));
    let made = run("token", "create", "one-more-0", "--file", full);
    for (let more = 1; made.code === 0 && more < 20; more++) {
      made = run("token", "create", `one-more-${more}`, "--file", full);
    }
    expect(made.code).toBe(2);
    expect(made.stderr).toContain("is full");
    expect(readFileSync(full).byteLength).toBeLessThanOrEqual(5 * 1024 + 1);
  }, 30_000);

  it.each([
    { what: "no command", given: [] },
    { what: "an unknown command", given: ["destroy", "x"] },
    { what: "a name twice", given: ["create", "ci"] },
    { what: "a wrong scope", given: ["create", "x", "--scope", "everything"] },
    { what: "a wrong expiry", given: ["create", "x", "--expires", "soon"] },
    { what: "an unknown option", given: ["list", "--all"] },
    { what: "a name that is none", given: ["create", "a b"] },
    { what: "a token that is not there", given: ["revoke", "nobody"] },
  ])("refuses $what with exit code 2, without a stack", ({ given }) => {
    const { code, stdout, stderr } = run("token", ...given, "--file", file);
    expect(code).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).not.toContain("    at ");
  });
});

describe("npm run deploy", () => {
  it.each([["--env", "production"], ["--var=TOKENS:x"], ["-e", "x"]])(
    "refuses %s, whose settings nobody checked",
    (...given) => {
      const { code, stderr } = run("deploy", "--dry-run", ...given);
      expect(code).toBe(2);
      expect(stderr).toContain("not checked");
    },
    20_000,
  );

  it("checks the file of --secrets-file=FILE as well", () => {
    const { code, stderr } = run("deploy", "--dry-run", "--secrets-file=.dev.vars.example");
    expect(code).toBe(1);
    expect(stderr).toContain("B2_KEY_ID is not set");
  }, 20_000);
});

describe("npm run key", () => {
  it("makes a key whose halves Nix would take", () => {
    const { code, stdout } = run("key", "create", "cache.example.org-1");
    expect(code).toBe(0);
    const [secret = "", shown = ""] = stdout.match(/cache\.example\.org-1:\S+/g) ?? [];
    const key = parseSecretKey(secret);
    expect(key).toMatchObject({ ok: true, value: { name: "cache.example.org-1" } });
    expect(shown.length).toBeLessThan(secret.length);
  });

  it.each([{ given: [] }, { given: ["create"] }, { given: ["create", "a:b"] }])(
    "refuses $given with exit code 2",
    ({ given }) => {
      expect(run("key", ...given).code).toBe(2);
    },
  );
});
