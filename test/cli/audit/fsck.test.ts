import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  formatPublicKey,
  generateSecretKey,
  parseSecretKey,
  publicKeyOf,
} from "../../../src/nix/signature.ts";
import type { ProcessContext } from "../../../src/client/process-context.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { samplePath } from "../../../testkit/node/sample-path.ts";
import { serveSignerGateway } from "../../../testkit/node/serve-signer-gateway.ts";
import { startAuditBucket } from "../../../testkit/node/start-audit-bucket.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { valueOf } from "../../../testkit/value-of.ts";

const KEY = await generateSecretKey("team-1");
const OTHER = await generateSecretKey("old-1");
const PUBLIC_KEY = formatPublicKey(publicKeyOf(valueOf(parseSecretKey(KEY))));

async function startMixed() {
  const bucket = await startAuditBucket();
  const signed = await samplePath("signed", { secretKeys: [KEY] });
  const unsigned = await samplePath("unsigned");
  const foreign = await samplePath("foreign", { secretKeys: [OTHER] });
  const gone = await samplePath("gone", { secretKeys: [KEY] });
  await bucket.add(signed, unsigned, foreign, gone);
  await bucket.view.remove(gone.narUrl);
  const run = (args: readonly string[], overrides: Partial<ProcessContext> = {}) =>
    runNargate(["fsck", ...args], { env: bucket.env, ...overrides });
  return { ...bucket, signed, unsigned, foreign, gone, run };
}

describe("nargate fsck", () => {
  it("prints a line for each path with a problem, and the sums", async () => {
    const { run, unsigned, foreign, gone } = await startMixed();
    const { code, stdout, stderr } = await run(["--public-key", PUBLIC_KEY]);
    expect([code, stderr]).toEqual([1, ""]);
    const [findings = "", sums = ""] = stdout.split(/(?=^4 paths)/m);
    expect(findings).toContain(`unsigned        ${unsigned.baseName}\n`);
    expect(findings).toContain(`unknown key     ${foreign.baseName}  signed by old-1\n`);
    expect(findings).toContain(
      `NAR GONE        ${gone.baseName}\n                ${gone.narUrl}\n`,
    );
    expect(sums).toBe(
      [
        "4 paths in the bucket:",
        "        1 sound: signed by a trusted key, or proved by their content address",
        "        1 not signed (nargate sign --unsigned signs them)",
        "        1 signed by no trusted key (nargate sign --unsigned signs them)",
        "        1 without their NAR: push --repair sends it, fsck --repair unpublishes",
        "",
      ].join("\n"),
    );
    expect(stdout.split("\n").every((line) => line.length <= 80)).toBe(true);
  });

  it("exits with 0 if every path is sound", async () => {
    const { env, add } = await startAuditBucket();
    await add(await samplePath("signed", { secretKeys: [KEY] }));
    const { code, stdout } = await runNargate(["fsck", "--public-key", PUBLIC_KEY], {
      env,
    });
    expect(code).toBe(0);
    expect(stdout).toContain("1 path in the bucket:\n        1 sound");
  });

  it("takes the keys from the cache, from PUBLIC_KEYS and from --public-key", async () => {
    const { run, view, env } = await startMixed();
    const { url } = await serveSignerGateway(view, { facts: { publicKeys: [PUBLIC_KEY] } });
    const other = formatPublicKey(publicKeyOf(valueOf(parseSecretKey(OTHER))));
    expect((await run(["--to", url])).stdout).toContain("unknown key");
    const both = await run(["--public-key", other], { env: { ...env, PUBLIC_KEYS: PUBLIC_KEY } });
    expect(both.stdout).toContain("        2 sound");
  });

  it("prints a line of JSON for each problem, and the sums last", async () => {
    const { run, gone } = await startMixed();
    const { stdout } = await run(["--json", "--public-key", PUBLIC_KEY]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(4);
    expect(lines).toContainEqual({
      path: gone.storePath,
      hash: gone.hash,
      verdict: "nar-gone",
      says: gone.narUrl,
      keyNames: ["team-1"],
    });
    expect(lines.at(-1)).toMatchObject({ summary: { checked: 4, counts: { ok: 1, unsigned: 1 } } });
  });

  it("asks for the keys, and for the settings of the bucket", async () => {
    const { run } = await startMixed();
    const noKeys = await run([]);
    expect(noKeys.code).toBe(2);
    expect(noKeys.stderr).toContain("which keys do clients trust? Name the cache with --to URL");
    const noBucket = await run(["--public-key", PUBLIC_KEY], { env: {} });
    expect(noBucket.code).toBe(2);
    expect(noBucket.stderr).toContain("B2_ENDPOINT is not set");
    expect(noBucket.stderr).toContain("B2_APPLICATION_KEY is not set");
    expect((await run(["--public-key", "nonsense"])).code).toBe(2);
  });

  it("lets no narinfo and no listing write to the terminal", async () => {
    const { run, view, unsigned } = await startMixed();
    const evil = "\u001B]0;owned\u0007\u202E";
    await view.write(`zz${evil}.narinfo`, Buffer.from("x"));
    await view.write(
      `${unsigned.hash}.narinfo`,
      Buffer.from(unsigned.narinfo.replace("URL: nar/", `URL: https://x/${evil}`)),
    );
    const written: string[] = [];
    const { code } = await run(["--public-key", PUBLIC_KEY, "--json"], {
      stdout: { write: (text) => written.push(text) },
    });
    expect(code).toBe(1);
    const text = await run(["--public-key", PUBLIC_KEY]);
    // oxlint-disable-next-line no-control-regex -- it looks for control characters
    expect(text.stdout).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u202E]/);
    // oxlint-disable-next-line no-control-regex -- it looks for control characters
    expect(written.join("")).not.toMatch(/[\u0000-\u0009\u000B-\u001F]/);
  });

  it.each([
    { what: "a misspelt prefix", paths: ["a"], prefix: "nix/cach/" },
    { what: "an empty bucket", paths: [], prefix: "nix/cache/" },
  ])("fails where there is no cache: $what", async ({ paths, prefix }) => {
    const bucket = await startAuditBucket();
    for (const name of paths) await bucket.add(await samplePath(name));
    const { code, stdout, stderr } = await runNargate(
      ["fsck", "--public-key", PUBLIC_KEY, "--state", "s"],
      { env: { ...bucket.env, B2_PREFIX: prefix }, cwd: await temporaryDirectory() },
    );
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toBe(
      `nargate: there is no Nix cache at ai-dev-env/${prefix}: check B2_BUCKET and B2_PREFIX\n`,
    );
  });

  it("finds no problem in a new cache without paths", async () => {
    const { view, env } = await startAuditBucket();
    await view.write("nix-cache-info", Buffer.from("StoreDir: /nix/store\n"));
    const { code, stdout } = await runNargate(["fsck", "--public-key", PUBLIC_KEY], {
      env,
    });
    expect(code).toBe(0);
    expect(stdout).toContain("0 paths in the bucket:\n");
  });

  it.each([[[]], [["--state", "s"]]])(
    "does not say how to go on if the bucket refuses the first request: %j",
    async (state) => {
      const { run, b2 } = await startMixed();
      b2.server.faults.add({ effect: { status: 403, code: "AccessDenied" } });
      const cwd = await temporaryDirectory();
      const { code, stderr } = await run(["--public-key", PUBLIC_KEY, ...state], { cwd });
      expect(code).toBe(1);
      expect(stderr).toMatch(/^nargate: the bucket answered 403 to the listing .*\n$/);
    },
  );

  it("goes on with the same --state after it was ended, and says how", async () => {
    const { run, b2, env } = await startMixed();
    const cwd = await temporaryDirectory();
    const args = ["--public-key", PUBLIC_KEY, "--state", "audit.state"];
    b2.server.faults.add({
      match: { operation: "GetObject" },
      effect: { status: 403, code: "AccessDenied", message: "cap exceeded" },
      skip: 3,
    });
    const ended = await run(args, { cwd });
    expect([ended.code, ended.stdout.includes("paths in the bucket")]).toEqual([1, false]);
    expect(ended.stderr).toContain("Run the same command again: it goes on where it ended.\n");
    expect(ended.stderr).toMatch(/nargate: the bucket answered 403 to \S+ \(AccessDenied/);

    b2.server.faults.clear();
    const whole = await run(args, { cwd });
    expect(whole.code).toBe(1);
    expect(whole.stderr).toContain(`paths that ${join(cwd, "audit.state")} has.\n`);
    expect(whole.stdout).toContain("4 paths in the bucket:");
    const again = await run(args, { cwd });
    expect(again.stdout).toBe(whole.stdout);
    expect(again.stderr).toContain("has a complete audit");
    expect(await readFile(join(cwd, "audit.state"), "utf8")).not.toContain(b2.secret);

    const other = await run(["--public-key", PUBLIC_KEY, "--state", "audit.state"], {
      cwd,
      env: { ...env, B2_PREFIX: "other/" },
    });
    expect(other.code).toBe(2);
    expect(other.stderr).toContain("belongs to an audit of another bucket");
  });

  it("exits with 130 at Ctrl-C", async () => {
    const { run } = await startMixed();
    const controller = new AbortController();
    const { code, stderr } = await run(["--public-key", PUBLIC_KEY], {
      signal: controller.signal,
      stdout: { write: () => controller.abort() },
    });
    expect(code).toBe(130);
    expect(stderr).toContain("With --state FILE it could go on where it ended.");
  });

  it("redraws one line on a terminal, and removes it before a finding", async () => {
    const { run } = await startMixed();
    let drawn = "";
    let time = Date.now();
    await run(["--public-key", PUBLIC_KEY], {
      now: () => new Date((time += 1000)),
      stderr: { isTTY: true, columns: 40, write: () => {}, draw: (text) => (drawn += text) },
      stdout: { write: () => (drawn += "FINDING") },
    });
    expect(drawn).toContain("\r\u001B[2Klisting the NARs");
    expect(drawn).toContain("\r\u001B[2KFINDING");
  });
});

describe("the flags of nargate fsck", () => {
  it.each([
    { args: ["--quick", "--deep"], says: "--quick and --deep exclude each other" },
    { args: ["--quick", "--upstream", "https://x.example"], says: "leave out --upstream" },
    { args: ["--dry-run"], says: "--dry-run needs --repair" },
    { args: ["--yes"], says: "--yes needs --repair" },
    { args: ["--jobs", "0"], says: "It is not a whole number from 1 to 256." },
    { args: ["--upstream", "nonsense"], says: "nonsense is not an http or https URL" },
    {
      args: ["--repair", "--to", "https://x.example", "--token-file", "-"],
      says: "standard input has the token",
    },
  ])("refuses $args", async ({ args, says }) => {
    const { run } = await startMixed();
    const { code, stderr } = await run(["--public-key", PUBLIC_KEY, ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });

  it("sends no more requests at once, or in a second, than it is told", async () => {
    const { b2, run } = await startMixed();
    let most = 0;
    let underWay = 0;
    const pauses: number[] = [];
    const counting: typeof fetch = async (...args) => {
      underWay++;
      most = Math.max(most, underWay);
      try {
        return await fetch(...args);
      } finally {
        underWay--;
      }
    };
    await run(["--public-key", PUBLIC_KEY, "--jobs", "1"], { fetch: counting });
    expect(most).toBe(1);
    b2.server.requests.clear(b2.bucket);
    await run(["--public-key", PUBLIC_KEY, "--requests-per-second", "5"], {
      sleep: async (milliseconds) => void pauses.push(milliseconds),
    });
    expect(b2.server.requests.list({ bucket: b2.bucket }).length - pauses.length).toBeLessThan(3);
  });
});
