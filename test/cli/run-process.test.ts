import { spawn } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const ENTRY = resolve(import.meta.dirname, "../../src/cli/nargate.ts");
// No server answers at this port, and fetch refuses to connect to it.
const URL = "http://127.0.0.1:9";

type Environment = Readonly<Record<string, string>>;

/** Starts the command in its own process. `shell` is a command line that redirects its inputs and outputs. */
function start(shell: string, env: Environment = {}, cwd = "/") {
  const command = `"${process.execPath}" --no-warnings "${ENTRY}"`;
  const child = spawn(
    "bash",
    ["--norc", "-o", "pipefail", "-c", shell.replace("nargate", command)],
    {
      cwd,
      env: { PATH: process.env["PATH"] ?? "", ...env },
      // Its own process group, because a terminal sends Ctrl-C to a whole group.
      detached: true,
    },
  );
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<{ code: number | null; stderr: string }>((done) => {
    child.once("close", (code) => done({ code, stderr }));
  });
  const interrupt = () => process.kill(-(child.pid ?? 0), "SIGINT");
  return { ended, interrupt };
}

describe("the process of nargate", () => {
  it.each([
    { what: "standard output", shell: "nargate --help | true" },
    {
      what: "standard error",
      shell: "nargate push 2>&1 >/dev/null | true; exit ${PIPESTATUS[0]}",
      code: 2,
    },
  ])("continues to its end when the reader of its $what has gone", async ({ shell, code = 0 }) => {
    expect(await start(shell).ended).toEqual({ code, stderr: "" });
  });

  it("fails in one line if its output cannot be written", async () => {
    expect(await start("nargate key create test-1 >/dev/full").ended).toEqual({
      code: 1,
      stderr: "nargate: cannot write the output: ENOSPC\n",
    });
  });

  it("ends by one Ctrl-C while it waits for standard input", async () => {
    const running = start(`exec nargate push --stdin --to ${URL}`);
    // After 2 s the command certainly waits for input. If it ignored Ctrl-C, the test would time out.
    setTimeout(running.interrupt, 2000);
    const { code } = await running.ended;
    expect(code).toBe(130);
  });

  it("reads no token from the current directory if HOME is not set", async () => {
    const cwd = await temporaryDirectory();
    await writeFile(join(cwd, ".netrc"), "machine 127.0.0.1 password stray\n");
    const shell = `nargate push --to ${URL} /nix/store/${"a".repeat(32)}-x`;
    const { code, stderr } = await start(shell, {}, cwd).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nargate: no token for 127\.0\.0\.1: /);
  });

  it("reports wrong use in one line, whatever the argument has", async () => {
    const { code, stderr } = await start(`nargate push --to ${URL} $'/tmp/a\\nb\\e[31m'`).ended;
    expect(code).toBe(2);
    expect(stderr).toBe("nargate: /tmp/a b [31m does not exist\n");
  });
});

describe("a secret key that no file holds", () => {
  const PUSH = `nargate push --to ${URL} /nix/store/${"a".repeat(32)}-x --sign-key`;

  it.each([
    { what: "standard input", shell: `printf %s "$KEY" | ${PUSH} -` },
    { what: "/dev/stdin", shell: `printf "$KEY\\n" | ${PUSH} /dev/stdin` },
    { what: "a pipe of the shell", shell: `${PUSH} <(printf "$KEY\\n")` },
    { what: "a file descriptor", shell: `${PUSH} /dev/fd/9 9< <(printf "$KEY\\n")` },
  ])("is read from $what", async ({ shell }) => {
    const { code, stderr } = await start(shell, { KEY: await generateSecretKey("own-1") }).ended;
    // The key is read before the token is looked for.
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nargate: no token for 127\.0\.0\.1: /);
  });

  it.each([
    {
      what: "an empty standard input",
      shell: `${PUSH} - </dev/null`,
      line: "--sign-key - is empty. If another command writes the key, check that this command succeeds",
    },
    {
      what: "a closed standard input",
      shell: `${PUSH} - <&-`,
      line: "--sign-key - is empty. If another command writes the key, check that this command succeeds",
    },
    {
      what: "a command that fails",
      shell: `${PUSH} /dev/fd/9 9< <(false)`,
      line: "--sign-key /dev/fd/9 is empty. If another command writes the key, check that this command succeeds",
    },
    {
      what: "a closed file descriptor",
      shell: `${PUSH} /dev/fd/99`,
      line: "cannot read --sign-key /dev/fd/99: there is no such file",
    },
  ])("is missed in one line at $what", async ({ shell, line }) => {
    expect(await start(shell).ended).toEqual({ code: 2, stderr: `nargate: ${line}\n` });
  });

  it("leaves the tokens of the environment alone", async () => {
    const shell = `printf t | nargate info --to ${URL} --token-file - ${"a".repeat(32)}`;
    const { code, stderr } = await start(shell).ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^nargate: cannot reach 127\.0\.0\.1:9/);
  }, 30_000);
});

describe("nargate watch-exec", () => {
  it("leaves to the command the options that follow it, with or without dashes", async () => {
    for (const dashes of ["", "-- "]) {
      const env = { NARGATE_TOKEN: "t", NIX_REMOTE: "local?root=/nonexistent" };
      const shell = `nargate watch-exec --to ${URL} ${dashes}sh -c 'test "$1 $2" = "--json --"' sh --json --`;
      const { code, stderr } = await start(shell, env).ended;
      expect(code).toBe(0);
      expect(stderr).toMatch(/^nargate: warning: cannot push: [^\n]*\n$/);
    }
  }, 30_000);
});
