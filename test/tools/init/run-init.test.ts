import { appendFile, chmod, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { startInitTrial } from "../../../testkit/node/init-trial.ts";
import { SECRET } from "../../../testkit/node/start-canary-bucket.ts";
import { parseEnv } from "node:util";
import { generateSecretKey } from "../../../src/nix/signature.ts";
import { parseSettings } from "../../../src/settings/settings.ts";
import { parseConfig } from "../../../tools/init/config-text.ts";

describe("nargate init", { timeout: 60_000 }, () => {
  it("writes settings and secrets that a gateway accepts, deploys, and examines the cache", async () => {
    const trial = await startInitTrial();
    const { code, output, error } = await trial.run(["--host", "cache.example.org"]);
    expect(error).toBeUndefined();
    expect(code).toBe(0);
    expect(trial.calls).toEqual([
      "deploy wrangler.toml .config/nargate/nargate/secrets.env cache.example.org",
      "nargate.ts doctor https://cache.example.org",
      "close",
    ]);
    const config = parseConfig(await readFile(trial.configFile, "utf8"));
    if (!config.ok) throw new Error(config.error);
    const secrets = parseEnv(await trial.read("nargate/secrets.env"));
    const { reads, pushes } = parseSettings({ ...config.value.vars, ...secrets });
    expect(reads.ok && pushes.ok).toBe(true);
    expect(config.value.hosts).toEqual(["cache.example.org"]);
    expect(secrets["SIGNING_KEY"]).toMatch(/^cache\.example\.org-1:/);
    const publicKey = config.value.vars["PUBLIC_KEYS"] ?? "";
    expect(output).toContain("  extra-substituters = https://cache.example.org\n");
    expect(output).toContain(`  extra-trusted-public-keys = ${publicKey}\n`);
    expect(output).toContain("  ./nargate push --to https://cache.example.org ./result\n");
  });

  it("keeps every comment and every other line of wrangler.toml", async () => {
    const trial = await startInitTrial();
    const before = (await readFile(trial.configFile, "utf8")).split("\n");
    await trial.run(["--no-deploy"]);
    const after = (await readFile(trial.configFile, "utf8")).split("\n");
    expect(after).toHaveLength(before.length);
    const changed = before.filter((line, index) => line !== after[index]);
    expect(changed.map((line) => line.split(" ")[0])).toEqual([
      "B2_ENDPOINT",
      "B2_REGION",
      "B2_BUCKET",
      "B2_PREFIX",
      "PUBLIC_KEYS",
    ]);
  });

  it("prints no secret", async () => {
    const trial = await startInitTrial();
    const { output } = await trial.run([]);
    const secrets = parseEnv(await trial.read("nargate/secrets.env"));
    const hidden = [
      SECRET,
      secrets["SIGNING_KEY"]?.split(":")[1],
      (await trial.read("nargate/push-token")).trim(),
      (await trial.read("nargate/admin-token")).trim(),
    ];
    for (const secret of hidden) expect(output).not.toContain(secret);
  });

  it.each(["secrets.env", "push-token", "admin-token"])(
    "lets only the owner read %s",
    async (file) => {
      const trial = await startInitTrial();
      await trial.run(["--no-deploy"]);
      expect(await trial.modeOf(`nargate/${file}`)).toBe(0o600);
      await chmod(path.join(trial.home, ".config/nargate/nargate", file), 0o644);
      await trial.run(["--no-deploy"]);
      expect(await trial.modeOf(`nargate/${file}`)).toBe(0o600);
    },
  );

  it("keeps the key and the tokens when it runs again", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const files = [
      "nargate/secrets.env",
      "nargate/push-token",
      "nargate/admin-token",
      "tokens.json",
    ];
    const before = await Promise.all(files.map(trial.read));
    const config = await readFile(trial.configFile, "utf8");
    const { error, output } = await trial.run(["--no-deploy"]);
    expect(error).toBeUndefined();
    expect(await Promise.all(files.map(trial.read))).toEqual(before);
    expect(await readFile(trial.configFile, "utf8")).toBe(config);
    expect(output).toContain("The token ci (push) stays.\nThe token admin (admin) stays.\n");
  });

  it("lists a token again whose file is there and whose entry is lost, as after a kill", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const list = await trial.read("tokens.json");
    await rm(path.join(trial.home, ".config/nargate/tokens.json"));
    await trial.run(["--no-deploy"]);
    expect(JSON.parse(await trial.read("tokens.json"))).toEqual(JSON.parse(list));
  });

  it("replaces no secret without being told to", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const before = await trial.read("nargate/secrets.env");
    const key = path.join(trial.home, "team.secret");
    await writeFile(key, await generateSecretKey("team-1"));
    const refused = await trial.run(["--no-deploy", "--signing-key", key]);
    expect(refused.error).toMatch(
      /^this would replace SIGNING_KEY in .*secrets\.env\. Nothing has been/,
    );
    expect(refused.error).toContain("--replace-secrets");
    expect(await trial.read("nargate/secrets.env")).toBe(before);
    const agreed = await trial.run(["--no-deploy", "--signing-key", key, "--replace-secrets"]);
    expect(agreed.error).toBeUndefined();
    expect(await trial.read("nargate/secrets.env")).toContain("SIGNING_KEY='team-1:");
  });

  it("keeps the public key of a signing key that it replaces", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const [, former] = /PUBLIC_KEYS = "(\S+)"/.exec(await readFile(trial.configFile, "utf8")) ?? [];
    await trial.run(["--no-deploy", "--signing-key", "new", "--replace-secrets"]);
    const [, keys = ""] =
      /PUBLIC_KEYS = "(.*)"/.exec(await readFile(trial.configFile, "utf8")) ?? [];
    expect(keys.split(" ")).toEqual([expect.stringContaining("nargate-ai-dev-env-2:"), former]);
  });

  it("does not replace secrets at Cloudflare that this machine does not know", async () => {
    const trial = await startInitTrial();
    const stored = ["SIGNING_KEY", "TOKENS", "B2_KEY_ID", "OTHER"];
    const refused = await trial.run([], { stored });
    expect(refused.error).toContain(
      "this would replace SIGNING_KEY at Cloudflare, TOKENS at Cloudflare, B2_KEY_ID at Cloudflare.",
    );
    await expect(trial.read("nargate/secrets.env")).rejects.toThrow("ENOENT");
    expect(trial.calls.some((call) => call.startsWith("deploy"))).toBe(false);
  });

  it("writes nothing in a dry run, neither here nor in the bucket", async () => {
    const trial = await startInitTrial();
    const before = await readFile(trial.configFile, "utf8");
    const { code, output } = await trial.run(["--dry-run"]);
    expect(code).toBe(0);
    expect(output).toContain("Dry run: nothing is written, and nothing is deployed.\n");
    expect(output).toContain('  B2_BUCKET = "ai-dev-env"\n');
    expect(await readFile(trial.configFile, "utf8")).toBe(before);
    await expect(trial.read("nargate/secrets.env")).rejects.toThrow("ENOENT");
    expect(trial.bucket.server.requests.list().map(({ method }) => method)).not.toContain("PUT");
    expect(trial.calls).toEqual([]);
  });

  it("names all that is missing at once", async () => {
    const trial = await startInitTrial();
    const { error } = await trial.run([], { context: { env: { HOME: trial.home } } });
    expect(error?.split("\n")).toEqual([
      "Nothing has been changed. Correct these first:",
      "  --endpoint (or B2_ENDPOINT) is missing",
      "  --region (or B2_REGION) is missing",
      "  --key-id (or B2_KEY_ID) is missing",
      "  --application-key-file (or B2_APPLICATION_KEY) is missing",
      "  --bucket (or B2_BUCKET) is missing",
      "  --prefix (or B2_PREFIX) is missing",
      "For a bucket on this machine run npm run bucket, and the two lines that it prints.",
    ]);
  });

  it("refuses to put secrets into the repository", async () => {
    const trial = await startInitTrial();
    const { error } = await trial.run(["--secrets-file", path.resolve("not-there/secrets.env")]);
    expect(error).toContain("lies in this repository, where secrets are easily committed");
  });

  it("ends with the exit code of the doctor, after the lines for the team", async () => {
    const trial = await startInitTrial();
    const { code, output } = await trial.run([], { doctor: 1 });
    expect(code).toBe(1);
    expect(output).toContain("extra-substituters");
  });

  it("says that the tokens of another cache open this one", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    const directory = path.join(trial.home, ".config/nargate/nargate");
    await rm(directory, { recursive: true });
    const { error, output } = await trial.run([
      "--no-deploy",
      "--push-token",
      "ci2",
      "--admin-token",
      "a2",
    ]);
    expect(error).toBeUndefined();
    expect(output).toContain("has tokens already (ci, admin). They open this cache, too.");
  });

  it("refuses a damaged signing key", async () => {
    const trial = await startInitTrial();
    const key = path.join(trial.home, "team.secret");
    const [good, other] = [await generateSecretKey("a-1"), await generateSecretKey("a-1")];
    await writeFile(key, good.slice(0, 50) + other.slice(50));
    const { error } = await trial.run(["--no-deploy", "--signing-key", key]);
    expect(error).toBe("the signing key is damaged: its two halves do not belong together");
  });

  it("wants a public key if the gateway does not sign", async () => {
    const trial = await startInitTrial();
    const { error } = await trial.run(["--signing-key", "none"]);
    expect(error).toContain("give the public key of those who sign: --public-key KEY");
  });

  it("keeps settings that it does not know in the secrets file", async () => {
    const trial = await startInitTrial();
    await trial.run(["--no-deploy"]);
    await appendFile(path.join(trial.home, ".config/nargate/nargate/secrets.env"), "MINE='x y'\n");
    await trial.run(["--no-deploy"]);
    expect(parseEnv(await trial.read("nargate/secrets.env"))["MINE"]).toBe("x y");
  });
});
