import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  findFreePort,
  type LocalGateway,
  PUSH_TOKEN,
  READ_TOKEN,
  startLocalGateway,
  TOKENS,
} from "../../../testkit/node/local-gateway.ts";
import { runNargate } from "../../../testkit/node/run-nargate.ts";
import { type SamplePath, samplePath } from "../../../testkit/node/sample-path.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { runWorker } from "../../../tools/start/run-worker.ts";

async function put(url: string, target: string, body: string | Buffer) {
  const headers = { authorization: `Bearer ${PUSH_TOKEN}` };
  const response = await fetch(`${url}/${target}`, { method: "PUT", body, headers });
  return [response.status, await response.text()];
}

/** Runs a command until its output satisfies: the catalog learns beside the answers. */
async function until(
  args: readonly string[],
  url: string,
  isEnough: (stdout: string) => boolean,
): Promise<string> {
  for (let tries = 0; ; tries++) {
    const { stdout, stderr } = await nargate(args, url);
    if (isEnough(stdout)) return stdout;
    if (tries === 100) throw new Error(`never enough: ${stdout}${stderr}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function nargate(args: readonly string[], url: string, token = PUSH_TOKEN) {
  return await runNargate([...args, "--to", url], {
    env: { NARGATE_TOKEN: token, HOME: "/nonexistent" },
  });
}

/** Pushes a path as `nix copy` does, and expects that it is taken. */
async function push(url: string, { narUrl, nar, hash, narinfo }: SamplePath): Promise<void> {
  expect(await put(url, narUrl, nar)).toEqual([200, ""]);
  expect(await put(url, `${hash}.narinfo`, narinfo)).toEqual([200, ""]);
}

describe("a gateway with CATALOG=on", () => {
  let gateway: LocalGateway;
  let glibc: SamplePath;
  let hello: SamplePath;
  let world: SamplePath;

  beforeAll(async () => {
    gateway = await startLocalGateway({ CATALOG: "on" });
    glibc = await samplePath("glibc-2.40");
    hello = await samplePath("hello-2.12", { references: [glibc] });
    world = await samplePath("world-1", { references: [hello] });
    for (const { narUrl, nar, hash, narinfo } of [glibc, hello]) {
      await gateway.bucket.write(narUrl, nar);
      await gateway.bucket.write(`${hash}.narinfo`, Buffer.from(narinfo));
    }
  });
  afterAll(async () => await gateway.stop());

  it("fills its catalog from the bucket by itself, and the command lists it", async () => {
    const listed = await until(
      ["ls", "--all"],
      gateway.url,
      (text) => text.split("\n").length === 3,
    );
    const day = new Date().toISOString().slice(0, 10);
    const lines = [glibc, hello]
      .toSorted((left, right) => (left.hash < right.hash ? -1 : 1))
      .map(({ baseName }) => `      21 B  ${day}  ${baseName}\n`);
    expect(listed).toBe(lines.join(""));
    for (const line of listed.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
    const found = await nargate(["search", "HELLO"], gateway.url);
    expect(found.stdout).toContain(hello.baseName);
    expect(found.stdout).not.toContain("glibc");
    expect((await nargate(["search", "nothing"], gateway.url)).code).toBe(1);
  });

  it("keeps what is pushed, with who pushed it", async () => {
    await push(gateway.url, world);
    const closure = await until(["closure", world.hash], gateway.url, (text) =>
      text.includes("3 paths"),
    );
    expect(closure).toBe(
      [
        `      18 B        18 B  ${world.baseName}`,
        `      21 B        21 B  ${hello.baseName}`,
        `      21 B        21 B  ${glibc.baseName}`,
        "3 paths, 60 B unpacked, 60 B in the cache; 0 missing",
        "",
      ].join("\n"),
    );
    const size = await nargate(["closure", "--size", hello.hash], gateway.url);
    expect(size).toMatchObject({ code: 0, stdout: expect.stringMatching(/^2 paths, /) });
    expect((await nargate(["info", world.hash], gateway.url)).stdout).toMatch(
      /^ {2}pushed {6}\d{4}-\d\d-\d\d \d\d:\d\d UTC by ci$/m,
    );
    const info = await nargate(["info", "--json", hello.hash], gateway.url);
    expect(JSON.parse(info.stdout)).toMatchObject({
      catalog: { complete: true, referrers: { count: 1, first: [{ name: "world-1" }] } },
    });
  });

  it("gives lines of JSON, and sums", async () => {
    const { stdout } = await nargate(["ls", "--all", "--by-name", "--json"], gateway.url);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(lines).toMatchObject([
      { path: glibc.storePath, hash: glibc.hash, narSize: 21 },
      { path: hello.storePath },
      { path: world.storePath },
      { summary: { paths: 3, narSize: 60, complete: true } },
    ]);
    const stats = await nargate(["stats"], gateway.url);
    expect(stats.stdout).toContain("  paths       3 paths, 60 B unpacked\n");
    expect(stats.stdout).toMatch(/^ {2}pushes {6}1 since the catalog began, the last .* by ci$/m);
    for (const line of stats.stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(80);
  });

  it("is for tokens that may push", async () => {
    const { code, stderr } = await nargate(["stats"], gateway.url, READ_TOKEN);
    expect([code, stderr]).toEqual([1, expect.stringContaining("the scope push.")]);
    const without = await runNargate(["ls", "--all", "--to", gateway.url]);
    expect([without.code, without.stderr]).toEqual([
      1,
      expect.stringContaining("needs a token with the scope push"),
    ]);
    const info = await nargate(["info", world.hash], gateway.url, READ_TOKEN);
    expect([info.code, info.stderr]).toEqual([0, ""]);
    expect(info.stdout).not.toContain("pushed");
  });
});

describe("a gateway with COLLECT=on", () => {
  it("fills its catalog by itself too, and takes no pushes before it may", async () => {
    const gateway = await startLocalGateway({ CATALOG: "on", COLLECT: "on", KEEP_DAYS: "35" });
    onTestFinished(async () => await gateway.stop());
    const { narUrl, nar, hash, narinfo } = await samplePath("glibc-2.40");
    await gateway.bucket.write(narUrl, nar);
    await gateway.bucket.write(`${hash}.narinfo`, Buffer.from(narinfo));
    await until(["ls", "--all"], gateway.url, (text) => text.includes(hash));
    const hello = await samplePath("hello-2.12");
    expect(await put(gateway.url, hello.narUrl, hello.nar)).toEqual([
      503,
      expect.stringContaining("takes no pushes for the first eleven minutes"),
    ]);
    const served = await fetch(`${gateway.url}/${hash}.narinfo`);
    expect(await served.text()).toBe(narinfo);
  });
});

describe("a gateway whose catalog is broken", () => {
  it("serves reads and takes pushes all the same", async () => {
    const healthy = await startLocalGateway();
    onTestFinished(async () => await healthy.stop());
    const settings = {
      ...healthy.bucketSettings,
      EDGE: "off",
      LOG: "faults",
      SIGNING_KEY: "none",
      TOKENS,
      CATALOG: "on",
    };
    const directory = await temporaryDirectory();
    const first = await runWorker(settings, await findFreePort(), directory);
    await until(["stats"], first.url, (text) => text !== "");
    await first.close();
    const files = await readdir(path.join(directory, "do", "nargate-Catalog"));
    const databases = files.filter((file) => !file.startsWith("metadata."));
    expect(databases.length).toBeGreaterThan(0);
    for (const file of databases) {
      const name = path.join(directory, "do", "nargate-Catalog", file);
      await writeFile(name, "this is no database".repeat(1000));
    }

    const broken = await runWorker(settings, await findFreePort(), directory);
    onTestFinished(async () => await broken.close());
    const refused = await nargate(["stats"], broken.url);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      "nargate: api/v1/stats: 503 The catalog does not answer right now. Pulls work without it. Try again shortly.\n",
    ]);
    const one = await samplePath("one-1");
    await push(broken.url, one);
    const read = await fetch(`${broken.url}/${one.hash}.narinfo`);
    expect([read.status, await read.text()]).toEqual([200, one.narinfo]);
    const other = await samplePath("other-1");
    const missing = await fetch(`${broken.url}/api/v1/missing`, {
      method: "POST",
      headers: { authorization: `Bearer ${PUSH_TOKEN}` },
      body: JSON.stringify({ paths: [one.hash, other.hash] }),
    });
    expect(await missing.json()).toEqual({ missing: [other.hash], rest: [] });
    const info = await nargate(["info", one.hash], broken.url);
    expect(info.stdout).toContain("/nix/store/");
    expect(info.stderr).toContain("The catalog does not answer right now.");
  });
});
