import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { type ActionJob, createActionJob, OWN_REPOSITORY } from "../../testkit/nix/action-job.ts";
import { type FakeB2, startFakeB2 } from "../../testkit/node/fake-b2.ts";
import { closureOf, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { type IdTokenService, startIdTokenService } from "../../testkit/node/id-token-service.ts";
import { findFreePort } from "../../testkit/node/local-gateway.ts";
import { canBuild, createNixMachine, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { hashPart } from "../../testkit/nix/nix-paths.ts";
import { type NpmStart, npmStart } from "../../testkit/node/npm-start.ts";
import { type OidcIssuer, startOidcIssuer } from "../../testkit/node/oidc-issuer.ts";
import { GITHUB_CLAIMS, githubTrust } from "../../testkit/fake-issuer.ts";

/** Two derivations, the second of which refers to the first. */
function expressionOf(name: string): string {
  const derive = (suffix: string, script: string) =>
    `derivation { name = "${name}-${suffix}"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" ''${script}'' ]; }`;
  return `let library = ${derive("library", `echo ${name} > $out`)}; in ${derive("program", "echo ${library} > $out")}`;
}

async function build(job: ActionJob, name: string, ...args: readonly string[]) {
  const expression = ["--no-out-link", ...args, "--expr", expressionOf(name)];
  const { code, stdout, stderr } = await job.run("nix-build", ...expression);
  return { code, storePath: stdout.trim(), stderr };
}

async function expectWhole(machine: NixMachine, storePath: string) {
  await verifyStore(machine);
  expect(await closureOf(machine, storePath)).toHaveLength(2);
}

describe.skipIf(!canBuild())("the action in a job, with npm start and OIDC", () => {
  let directory: string;
  let b2: FakeB2;
  let issuer: OidcIssuer;
  let service: IdTokenService;
  let server: NpmStart;
  let url: string;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "nargate-action-"));
    b2 = await startFakeB2();
    issuer = await startOidcIssuer();
    service = await startIdTokenService(issuer, GITHUB_CLAIMS);
    const port = await findFreePort();
    url = `http://127.0.0.1:${port}`;
    server = await npmStart({
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      B2_ENDPOINT: b2.endpoint,
      B2_REGION: b2.region,
      B2_BUCKET: b2.bucket,
      B2_PREFIX: "",
      B2_KEY_ID: b2.keyId,
      B2_APPLICATION_KEY: b2.secret,
      TOKENS: "",
      OIDC_TRUST: JSON.stringify([githubTrust(issuer.url, url)]),
      SIGNING_KEY: await generateSecretKey("gateway-1"),
    });
    await server.serving;
  });
  afterAll(async () => {
    server.interrupt();
    await server.ended;
    await service.close();
    await issuer.close();
    await b2.close();
    await rm(directory, { recursive: true, force: true });
  });

  async function createJob(options: Partial<Parameters<typeof createActionJob>[1]> = {}) {
    const machine = await createNixMachine(directory);
    const job = await createActionJob(machine, { inputs: { url }, env: service.env, ...options });
    return { machine, job };
  }

  const isCached = async (storePath: string) =>
    (await fetch(`${url}/${hashPart(storePath)}.narinfo`)).status === 200;

  it("pushes what a job builds, and a second job pulls it", async () => {
    const first = await createJob();
    expect(await first.job.main()).toMatchObject({ code: 0 });
    expect(first.job.outputs).toEqual({ pushes: "true", reason: "" });
    const built = await build(first.job, "carried");
    expect(built).toMatchObject({ code: 0 });
    expect(await first.job.post()).toMatchObject({ code: 0 });
    expect(first.job.log()).toContain("2 paths pushed");
    expect(first.job.summary()).toMatch(/\| Pushed \| 2 paths, .* sent in .* \|/);
    expect(first.job.summary()).toMatch(/\| Built or added here \| 2 paths/);
    expect(await isCached(built.storePath)).toBe(true);

    const second = await createJob();
    expect(await second.job.main()).toMatchObject({ code: 0 });
    const pulled = await build(second.job, "carried", "--max-jobs", "0");
    expect(pulled).toMatchObject({ code: 0, storePath: built.storePath });
    await expectWhole(second.machine, pulled.storePath);
    expect(await second.job.post()).toMatchObject({ code: 0 });
    expect(second.job.summary()).toMatch(/\| Pulled from this cache \| 2 paths/);
    expect(second.job.summary()).toContain("| Skipped | 2 in the cache |");
  });

  it("leaves nothing behind", async () => {
    const { job } = await createJob();
    await job.main();
    expect(existsSync(job.nixConf)).toBe(true);
    await job.post();
    expect(existsSync(job.nixConf)).toBe(false);
    expect(await readdir(job.temporary)).toEqual([]);
  });

  it("shows each token to the log once, to have it masked", async () => {
    const before = service.given.length;
    const { job } = await createJob();
    await job.main();
    await build(job, "masked");
    await job.post();
    const tokens = service.given.slice(before);
    expect(tokens.length).toBeGreaterThan(0);
    for (const token of tokens) expect(job.log().split(token)).toHaveLength(2);
    for (const token of tokens) expect(job.log()).toContain(`::add-mask::${token}\n`);
    expect(job.summary()).not.toContain("eyJ");
  });

  it("asks for fresh tokens where one ends before the push does", async () => {
    const before = service.given.length;
    const end = Math.floor(Date.now() / 1000) + 30;
    service.claims = { ...GITHUB_CLAIMS, exp: end };
    const { job } = await createJob();
    await job.main();
    const { storePath } = await build(job, "fresh");
    await job.post();
    service.claims = GITHUB_CLAIMS;
    expect(await isCached(storePath)).toBe(true);
    expect(service.given.length - before).toBeGreaterThan(5);
  });

  it("pushes what was built before the job failed", async () => {
    const { job } = await createJob();
    await job.main();
    const { storePath } = await build(job, "failed");
    await job.post("failure");
    expect(await isCached(storePath)).toBe(true);
  });

  it("pushes nothing then where it was told so", async () => {
    const { job } = await createJob({ inputs: { url, "push-on-failure": "false" } });
    await job.main();
    const { storePath } = await build(job, "told");
    expect(await job.post("failure")).toMatchObject({ code: 0 });
    expect(await isCached(storePath)).toBe(false);
    const reason = "the input push-on-failure is false, and the status of the job is failure";
    expect(job.log()).toContain(`nothing is pushed: ${reason}`);
    expect(job.summary()).toContain(`| Pushed | nothing: ${reason} |`);
  });

  it("pulls for a fork's pull request, and pushes nothing", async () => {
    const cached = await createJob();
    await cached.job.main();
    const { storePath } = await build(cached.job, "for-forks");
    await cached.job.post();

    const fork = { id: 99, full_name: "mallory/octo-repo" };
    const payload = { pull_request: { head: { repo: fork }, base: { repo: OWN_REPOSITORY } } };
    const eventName = "pull_request_target";
    const { machine, job } = await createJob({ eventName, payload });
    const before = service.given.length;
    expect(await job.main()).toMatchObject({ code: 0 });
    const reason = "its code comes from mallory/octo-repo, a fork";
    expect(job.outputs).toEqual({ pushes: "false", reason });
    expect(job.log()).toContain(`::notice::nargate: this job only pulls: ${reason}\n`);
    const pulled = await build(job, "for-forks", "--max-jobs", "0");
    expect(pulled).toMatchObject({ code: 0, storePath });
    await expectWhole(machine, storePath);
    const own = await build(job, "of-the-fork");
    expect(await job.post()).toMatchObject({ code: 0 });
    expect(await isCached(own.storePath)).toBe(false);
    expect(service.given).toHaveLength(before);
  });

  it.each([
    {
      what: "pull_request_target",
      claims: { event_name: "pull_request_target" },
      says: "This cache does not accept an OIDC token that has event_name (pull_request_target).",
    },
    {
      what: "a repository with the same name and another id",
      claims: { repository_id: "75" },
      says: "This cache does not accept an OIDC token that has repository_id (75).",
    },
    {
      what: "a time that is over",
      claims: { iat: 1_700_000_000, nbf: 1_700_000_000, exp: 1_700_000_300 },
      says: "This OIDC token has expired. Ask the issuer for a new one. This token ended at 2023-11-14T22:18:20Z.",
    },
    {
      what: "another audience",
      claims: { aud: "https://other.example.org" },
      says: "This OIDC token is for another audience.",
    },
  ])("says at once that a token from $what is refused, and why", async ({ claims, says }) => {
    service.claims = { ...GITHUB_CLAIMS, ...claims };
    const { job } = await createJob();
    const main = await job.main();
    expect(main.code).toBe(0);
    expect(main.stdout).toContain(
      "::warning::nargate: this job only pulls: the cache refused the token from GitHub",
    );
    expect(main.stdout).toContain(says);
    expect(job.outputs).toMatchObject({ pushes: "false" });
    const { code, storePath } = await build(job, `refused-${service.given.length}`);
    expect(code).toBe(0);
    expect(await job.post()).toMatchObject({ code: 0 });
    expect(await isCached(storePath)).toBe(false);
    expect(job.summary()).toContain(says);
    service.claims = GITHUB_CLAIMS;
  });
});
