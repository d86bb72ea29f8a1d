import { describe, expect, it } from "vitest";
import { createCloudflareDeployer } from "../../../tools/init/cloudflare-deployer.ts";
import type { ProgramEnd } from "../../../tools/init/run-program.ts";

/** A runner that answers by the first two arguments, and notes its calls. */
function fakeRunner(answers: Readonly<Record<string, Partial<ProgramEnd>>>) {
  const calls: string[] = [];
  return {
    calls,
    run: async (script: string, args: readonly string[], mode: string) => {
      const name = script.endsWith("wrangler.js") ? args.slice(0, 2).join(" ") : script;
      calls.push(`${name} (${mode})`);
      return { status: 0, output: "", errors: "", ...answers[name] };
    },
  };
}

const LOGGED_IN = { "whoami --json": { output: '{"loggedIn":true}' } };
const LOGGED_OUT = { "whoami --json": { status: 1, output: '{"loggedIn":false}' } };

describe("prepare", () => {
  it("returns the secrets that the worker has", async () => {
    const output = '[{"name":"TOKENS","type":"secret_text"},{"name":"A\\u001b[31m"},7,null]';
    const { run } = fakeRunner({ ...LOGGED_IN, "secret list": { output } });
    const deployer = createCloudflareDeployer(run, false);
    expect(await deployer.prepare("c.toml")).toEqual(["TOKENS", "A [31m"]);
  });

  it("takes a worker that does not exist yet for one without secrets", async () => {
    const errors = "This Worker does not exist on your account. [code: 10007]";
    const { run } = fakeRunner({ ...LOGGED_IN, "secret list": { status: 1, errors } });
    expect(await createCloudflareDeployer(run, false).prepare("c.toml")).toEqual([]);
  });

  it.each([
    { what: "another failure", end: { status: 1, errors: "\u001B[31mMore than one account" } },
    { what: "an answer that is no JSON", end: { output: "hello" } },
  ])("refuses to guess after $what", async ({ end }) => {
    const { run } = fakeRunner({ ...LOGGED_IN, "secret list": end });
    const prepared = createCloudflareDeployer(run, false).prepare("c.toml");
    await expect(prepared).rejects.toThrow(/More than one account|not JSON/);
  });

  it("logs in on a terminal, and says how without one", async () => {
    const onTerminal = fakeRunner({ ...LOGGED_OUT, "secret list": { output: "[]" } });
    await createCloudflareDeployer(onTerminal.run, true).prepare("c.toml");
    expect(onTerminal.calls).toContain("login (asking)");
    const without = fakeRunner(LOGGED_OUT);
    const prepared = createCloudflareDeployer(without.run, false).prepare("c.toml");
    await expect(prepared).rejects.toThrow("Set CLOUDFLARE_API_TOKEN, or run npx wrangler login");
    expect(without.calls).toEqual(["whoami --json (silent)"]);
  });
});

describe("deploy", () => {
  const said = "Uploaded nargate\nDeployed nargate triggers\n  https://nargate.team.workers.dev\n";

  it.each([
    { host: undefined, output: said, url: "https://nargate.team.workers.dev" },
    { host: "cache.example.org", output: said, url: "https://cache.example.org" },
    { host: undefined, output: "Uploaded", url: undefined },
  ])("finds the address $url", async ({ host, output, url }) => {
    const { run, calls } = fakeRunner({ "tools/deploy/main.ts": { output } });
    const deployed = await createCloudflareDeployer(run, false).deploy("c.toml", "s.env", host);
    expect(deployed.url).toBe(url);
    expect(calls).toEqual(["tools/deploy/main.ts (shown)"]);
  });

  it("says how to continue after a failure", async () => {
    const { run } = fakeRunner({ "tools/deploy/main.ts": { status: 1 } });
    const deployed = createCloudflareDeployer(run, false).deploy("c.toml", "s.env", undefined);
    await expect(deployed).rejects.toThrow("run nargate init again to continue");
  });
});
