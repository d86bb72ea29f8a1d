import { describe, expect, it } from "vitest";
import { VERSION } from "../../src/api/endpoints.ts";
import { findFreePort } from "../../testkit/node/local-gateway.ts";
import { GATEWAY_FACTS } from "../../testkit/node/gateway-facts.ts";
import { runNargate, unwrapped } from "../../testkit/node/run-nargate.ts";
import { answerJson, serve } from "../../testkit/node/serve.ts";
import { temporaryDirectory } from "../../testkit/node/temporary-directory.ts";

const PATH = "/nix/store/0123456789abcdfghijklmnpqrsvwxyz-thing";

const COMMANDS = [
  "push",
  "watch-exec",
  "use",
  "doctor",
  "ls",
  "info",
  "pin",
  "unpin",
  "pins",
  "why",
  "gc",
  "token",
  "token create",
  "token list",
  "token revoke",
  "key",
  "key create",
];

/** Matches one line that begins with the name of the command, so no stack trace. */
const ONE_LINE = /^nargate: [^\n]+\n$/;

describe("nargate", () => {
  it("shows its commands and its version", async () => {
    const help = await runNargate(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    for (const command of ["push", "watch-exec", "use", "doctor", "ls", "info", "token", "key"]) {
      expect(help.stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    }
    expect(await runNargate(["--version"])).toEqual({
      code: 0,
      stdout: `${VERSION}\n`,
      stderr: "",
    });
  });

  it("shows the help of a command by the command help too", async () => {
    expect((await runNargate(["help", "push"])).stdout).toBe(
      (await runNargate(["push", "--help"])).stdout,
    );
    expect((await runNargate(["help"])).stdout).toBe((await runNargate(["--help"])).stdout);
  });

  it("shows its commands on standard error when none is named, and ends with 2", async () => {
    const { code, stdout, stderr } = await runNargate([]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^Usage: nargate /);
  });

  it.each(COMMANDS)("%s --help shows how, with an example", async (command) => {
    const { code, stdout, stderr } = await runNargate([...command.split(" "), "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: nargate ${command} `));
    expect(stdout).toMatch(/\nExamples?:\n {2}\S*.*nargate /);
    expect(stdout.endsWith("\n")).toBe(true);
  });

  it("sign --help has an example with --prove and --token-file", async () => {
    const { stdout } = await runNargate(["sign", "--help"]);
    expect(stdout).toMatch(/Example:\n {2}nargate sign --unsigned --prove .*--token-file /);
  });

  it.each(COMMANDS)("%s with an unknown option gives one line and 2", async (command) => {
    const { code, stdout, stderr } = await runNargate([...command.split(" "), "--nonsense-flag"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("nargate: unknown option '--nonsense-flag'\n");
  });

  it.each([
    {
      what: "an unknown command",
      args: ["psuh"],
      line: "unknown command 'psuh' (Did you mean push?)",
    },
    {
      what: "an option that is nearly one",
      args: ["use", "--wriet"],
      line: "unknown option '--wriet' (Did you mean --write?)",
    },
    ...["push", "watch-exec"].map((command) => ({
      what: `an option that some expect of Nix: ${command}`,
      args: [command, "--sign-with", "cache.secret", "x"],
      line: "unknown option '--sign-with': use --sign-key FILE",
    })),
    { what: "push of nothing", args: ["push"], line: "nothing to push: " },
    {
      what: "push of what is not there",
      args: ["push", "--to", "http://127.0.0.1:9", "./result"],
      line: "./result does not exist",
    },
    {
      what: "watch-exec of nothing",
      args: ["watch-exec"],
      line: "missing required argument 'command'",
    },
    {
      what: "use of no cache",
      args: ["use"],
      line: "no cache is given: use --to URL, or set NARGATE_URL",
    },
    {
      what: "use of what is no URL",
      args: ["use", "cache.example.org"],
      line: "cache.example.org has no scheme. Did you mean https://cache.example.org?",
    },
    {
      what: "use of two caches",
      args: ["use", "https://a.example", "https://b.example"],
      line: "too many arguments for 'use'",
    },
    {
      what: "use --file without --write",
      args: ["use", "https://a.example", "--file", "x"],
      line: "--file works only together with --write",
    },
    { what: "doctor of no cache", args: ["doctor"], line: "no cache is given" },
    {
      what: "ls of nothing",
      args: ["ls"],
      line: "nothing to list: name store paths, or use --all",
    },
    { what: "ls of no cache", args: ["ls", PATH], line: "no cache is given" },
    {
      what: "ls without a value for --to",
      args: ["ls", PATH, "--to"],
      line: "option '--to <url>' argument missing",
    },
    { what: "info of nothing", args: ["info"], line: "missing required argument 'path'" },
    {
      what: "info of two paths",
      args: ["info", PATH, PATH],
      line: "too many arguments for 'info'",
    },
    {
      what: "a token file that is not there",
      args: ["ls", PATH, "--to", "https://a.example", "--token-file", "x"],
      line: "cannot read --token-file x: there is no such file",
    },
    {
      what: "a token without a name",
      args: ["token", "create"],
      line: "missing required argument 'name'",
    },
    {
      what: "an unknown command of token",
      args: ["token", "destroy"],
      line: "unknown command 'destroy'",
    },
    {
      what: "a key without a name",
      args: ["key", "create"],
      line: "missing required argument 'name'",
    },
    {
      what: "a key with a name that Nix refuses",
      args: ["key", "create", "a:b"],
      line: "the name of a key has 1 to 64 characters",
    },
  ])("gives one line and 2 for $what", async ({ args, line }) => {
    const { code, stdout, stderr } = await runNargate(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain(`nargate: ${line}`);
  });

  it("refuses to send a token in the clear", async () => {
    const env = { NARGATE_TOKEN: "t" };
    const { code, stderr } = await runNargate(["ls", PATH, "--to", "http://a.example"], { env });
    expect([code, stderr]).toEqual([
      2,
      "nargate: refusing to send a token to a.example over plain http. Use an https URL\n",
    ]);
  });

  it("ends with 130 when it is interrupted, and says nothing of its own", async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort(new Error("interrupted")));
    const { code, stderr } = await runNargate(["ls", PATH, "--to", url], {
      signal: controller.signal,
    });
    expect([code, stderr]).toEqual([130, ""]);
  });
});

const REFUSAL = {
  error: {
    code: "credential-wrong",
    message: "This token is unknown or has expired.",
    requestId: "r",
  },
};
const REFUSED = /401 This token is unknown or has expired\./;

async function runRefused(args: readonly string[]) {
  const url = await serve((request, response) => {
    if (request.url === "/api/v1/cache") {
      answerJson(response, { ...GATEWAY_FACTS, access: "token" });
    } else answerJson(response, REFUSAL, 401);
  });
  const home = await temporaryDirectory();
  const env = { PATH: process.env["PATH"], HOME: home, NARGATE_URL: url, NARGATE_TOKEN: "wrong" };
  return await runNargate(args, { env, cwd: home });
}

describe("nargate at a private cache that does not know the token", () => {
  it.each([
    { command: "push", args: ["push", PATH] },
    { command: "use", args: ["use", "--write"] },
    { command: "ls", args: ["ls", PATH] },
    { command: "info", args: ["info", PATH] },
  ])("$command says so in one line, and ends with 1", async ({ args }) => {
    const { code, stdout, stderr } = await runRefused(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toMatch(REFUSED);
  });

  it("doctor says so in its line on the token", async () => {
    const { code, stdout } = await runRefused(["doctor"]);
    expect(code).toBe(1);
    expect(unwrapped(stdout)).toMatch(
      /^FAIL +token +the token of NARGATE_TOKEN: .*401 This token\s+is unknown/m,
    );
  });

  it("watch-exec says so in one line, and runs the command all the same", async () => {
    const { code, stderr } = await runRefused(["watch-exec", "--", "sh", "-c", "exit 7"]);
    expect(code).toBe(7);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toMatch(REFUSED);
  });
});

async function runAlone(args: readonly string[]) {
  const home = await temporaryDirectory();
  const port = await findFreePort();
  const env = {
    PATH: process.env["PATH"],
    HOME: home,
    NARGATE_URL: `http://127.0.0.1:${port}`,
    NARGATE_TOKEN: "t",
  };
  return { port, ...(await runNargate(args, { env, cwd: home })) };
}

describe("nargate without an answer", () => {
  it.each([
    { command: "push", args: ["push", PATH] },
    { command: "use", args: ["use"] },
    { command: "ls", args: ["ls", PATH] },
    { command: "info", args: ["info", PATH] },
  ])("$command names the host in one line, and ends with 1", async ({ args }) => {
    const { port, code, stdout, stderr } = await runAlone(args);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(`nargate: cannot reach 127.0.0.1:${port}: fetch failed: ECONNREFUSED\n`);
  });

  it("doctor fails at its first line, and skips the rest", async () => {
    const { code, stdout } = await runAlone(["doctor"]);
    expect(code).toBe(1);
    expect(unwrapped(stdout).split("\n").slice(2)).toEqual([
      expect.stringMatching(/^FAIL +reachable +cannot reach 127\.0\.0\.1:\d+: fetch failed/),
      expect.stringMatching(/^ +→ Check the URL, this machine's network, /),
      expect.stringMatching(/^skipped +other checks /),
      "",
      "1 FAIL, 1 skipped.",
      "",
    ]);
  });

  it("watch-exec names the host in one line, and runs the command all the same", async () => {
    const { code, stderr } = await runAlone(["watch-exec", "--", "true"]);
    expect(code).toBe(0);
    expect(stderr).toMatch(ONE_LINE);
    expect(stderr).toContain("cannot reach 127.0.0.1:");
  });
});
