import { connect, createServer } from "node:net";
import path from "node:path";
import { chmod, readdir, writeFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { createActionJob } from "../../testkit/nix/action-job.ts";
import {
  findFreePort,
  type LocalGateway,
  PUSH_TOKEN,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { createNixMachine, hasNix } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addNoise, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";

/** From now on what comes to `port` goes to `url`. */
async function lead(port: number, url: string): Promise<void> {
  const server = createServer((socket) => {
    const onward = connect(Number(new URL(url).port), "127.0.0.1");
    socket.on("error", () => onward.destroy()).pipe(onward);
    onward.on("error", () => socket.destroy()).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
}

describe.skipIf(!hasNix)("the action's push", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway();
  });
  afterEach(() => gateway.faults.clear());
  afterAll(() => gateway.stop());

  async function createJob(inputs: Readonly<Record<string, string>> = {}) {
    const machine = await createNixMachine(gateway.directory);
    const given = { url: gateway.url, token: PUSH_TOKEN, ...inputs };
    return { machine, job: await createActionJob(machine, { inputs: given }) };
  }

  const readNarinfo = async (storePath: string) => {
    const response = await fetch(`${gateway.url}/${hashPart(storePath)}.narinfo`);
    return response.status === 200 ? await response.text() : undefined;
  };

  it("has what is new since the first step, and nothing that was there before", async () => {
    const { machine, job } = await createJob();
    const old = await addTexts(machine, "old", 1);
    await job.main();
    const fresh = await addTexts(machine, "fresh", 1);
    await job.post();
    expect(await readNarinfo(old)).toBeUndefined();
    expect(await readNarinfo(fresh)).toContain("StorePath:");
  });

  it("leaves out what push-filter finds, unless something else needs it", async () => {
    const { machine, job } = await createJob({ "push-filter": "-source$" });
    await job.main();
    const unneeded = await addNoise(machine, "unneeded-source", 100);
    const needed = await addBuilt(machine, { name: "needed-source" });
    const program = await addBuilt(machine, { name: "program", references: [needed] });
    await job.post();
    expect(await readNarinfo(unneeded)).toBeUndefined();
    expect(await readNarinfo(needed)).toContain("StorePath:");
    expect(await readNarinfo(program)).toContain("StorePath:");
  });

  it("signs with the sign key besides the gateway's own, and shows it nowhere", async () => {
    const key = await generateSecretKey("ci-1");
    const { machine, job } = await createJob({ "sign-key": key });
    await job.main();
    const storePath = await addBuilt(machine, { name: "signed" });
    await job.post();
    const narinfo = await readNarinfo(storePath);
    expect(narinfo).toContain("Sig: ci-1:");
    expect(narinfo).toContain("Sig: gateway-1:");
    const shown = job.log().replaceAll(/^::add-mask::.*$/gm, "") + job.summary();
    expect(shown).not.toContain(key.slice("ci-1:".length));
    expect(shown).not.toContain(PUSH_TOKEN);
  });

  it("opens nothing where nothing is new", async () => {
    const { job } = await createJob();
    await job.main();
    gateway.bucket.forgetRequests();
    expect(await job.post()).toMatchObject({ code: 0 });
    expect(job.log()).toContain("nothing to push: the job added no paths to the store");
    expect(gateway.bucket.requests()).toEqual([]);
  });

  it.each([
    { flag: "false", code: 0, level: "warning" },
    { flag: "true", code: 1, level: "error" },
  ])(
    "ends with this where a path fails and fail-on-push-error is $flag: $level",
    async ({ flag, code, level }) => {
      const { machine, job } = await createJob({ "fail-on-push-error": flag });
      await job.main();
      const bad = await addBuilt(machine, { name: `bad-${flag}` });
      const good = await addBuilt(machine, { name: `good-${flag}` });
      const file = path.join(machine.storeDirectory, path.basename(bad));
      await chmod(file, 0o644);
      await writeFile(file, "not what was registered");
      const post = await job.post();
      expect(post.code).toBe(code);
      expect(post.stdout).toContain(
        `::${level}::nargate: some new paths could not be pushed; see the lines above\n`,
      );
      expect(job.summary()).toContain("| Failed | 1 path |");
      expect(await readNarinfo(good)).toContain("StorePath:");
    },
  );

  it("stops when the job is cancelled, and cleans up", async () => {
    const { machine, job } = await createJob();
    await job.main();
    await addNoise(machine, "cancelled", 100_000);
    gateway.faults.add({ match: { method: "PUT" }, effect: { delayMs: 20_000 } });
    // Again and again, as to a group of processes: none may end it before its time.
    const interrupt = "for i in {1..3000}; do kill -INT $! 2>/dev/null; done";
    const wrapper = ["bash", "--norc", "-m", "-c", `"$0" "$@" & sleep 2; ${interrupt}; wait`];
    const { stdout, milliseconds } = await job.post("cancelled", wrapper);
    expect(stdout).toContain("::warning::nargate: nothing was pushed: interrupted\n");
    expect(milliseconds).toBeLessThan(10_000);
    expect(await readdir(job.temporary)).toEqual([]);
  });

  describe("where the cache is away", () => {
    it("goes on without it, and tries again in the end", async () => {
      const port = await findFreePort();
      const { machine, job } = await createJob({ url: `http://127.0.0.1:${port}` });
      const main = await job.main();
      expect(main.code).toBe(0);
      expect(main.stdout).toMatch(
        /^::warning::nargate: cannot reach .*\. The job tries again to push/m,
      );
      expect(main.stdout).toMatch(/^::warning::nargate: Nix does not pull from /m);
      expect(job.outputs).toMatchObject({ pushes: "false" });
      const storePath = await addTexts(machine, "awaited", 1);
      await lead(port, gateway.url);
      expect(await job.post()).toMatchObject({ code: 0 });
      expect(await readNarinfo(storePath)).toContain("StorePath:");
    });

    it("ends well when it stays so", async () => {
      const { machine, job } = await createJob({ url: `http://127.0.0.1:${await findFreePort()}` });
      await job.main();
      await addTexts(machine, "unpushed", 1);
      const post = await job.post();
      expect(post.code).toBe(0);
      expect(post.stdout).toMatch(/^::warning::nargate: nothing was pushed: cannot reach /m);
      expect(job.summary()).toMatch(/^\| Pushed \| nothing: cannot reach /m);
    });

    it("does not ask twice what is no Nargate", async () => {
      const { machine, job } = await createJob({ url: `${gateway.url}/elsewhere` });
      const main = await job.main();
      expect(main.code).toBe(0);
      expect(main.stdout).toContain("does not look like a Nargate cache");
      await addTexts(machine, "unpushed", 1);
      await job.post();
      expect(job.log()).toContain("nothing is pushed: this job only pulls: ");
    });
  });
});
