import { spawn } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type FakeB2, startFakeB2 } from "../../testkit/node/fake-b2.ts";
import { closureOf, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { findFreePort } from "../../testkit/node/find-free-port.ts";
import { createNargate } from "../../testkit/nix/nargate-command.ts";
import { createNixMachine, hasNix } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts } from "../../testkit/nix/nix-paths.ts";
import { type NpmStart, npmStart } from "../../testkit/node/npm-start.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");

describe.skipIf(!hasNix)("a cache that nargate init has set up", { timeout: 120_000 }, () => {
  let directory: string;
  let bucket: FakeB2;
  let port: number;
  let printed: string;
  let server: NpmStart;

  /** The value of a line that init printed for nix.conf. */
  const setting = (name: string) =>
    new RegExp(`^ {2}${name} = (.*)$`, "m").exec(printed)?.[1] ?? "";

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "nargate-init-"));
    bucket = await startFakeB2();
    port = await findFreePort();
    await copyFile(path.join(ROOT, "wrangler.toml"), path.join(directory, "wrangler.toml"));
    await writeFile(path.join(directory, "key"), bucket.secret);
    const config = path.join(directory, "wrangler.toml");
    const { endpoint, region, bucket: name, keyId } = bucket;
    const bucketFlags = Object.entries({
      "--endpoint": endpoint,
      "--region": region,
      "--bucket": name,
      "--prefix": "nix/cache",
      "--key-id": keyId,
      "--application-key-file": path.join(directory, "key"),
    }).flat();
    // This server has no lifecycle rules, which its key may read.
    const init = await runNargate(
      ["init", "--yes", "--local", "--accept-problems", "--config", config, ...bucketFlags],
      { PATH: process.env["PATH"] ?? "", HOME: directory, PORT: String(port) },
    );
    if (init.status !== 0) throw new Error(init.said);
    printed = init.said;
    const again = /^ {2}PORT=\d+ npm start -- (.*)$/m.exec(printed)?.[1]?.split(" ") ?? [];
    server = await npmStart({ PATH: process.env["PATH"] ?? "", PORT: String(port) }, again);
    await server.serving;
  });
  afterAll(async () => {
    server.interrupt();
    await server.ended;
    await bucket.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("takes a push by the token, and serves it to a second user who checks signatures", async () => {
    const pusher = await createNixMachine(directory);
    const texts = await addTexts(pusher, "init-texts", 5);
    const top = await addBuilt(pusher, { name: "init-top", references: [texts] });
    const token = await readFile(
      path.join(directory, ".config/nargate/nargate/push-token"),
      "utf8",
    );
    const url = `http://127.0.0.1:${port}`;
    await (await createNargate(pusher, { url }, token.trim())).run("push", top);

    const puller = await createNixMachine(directory, {
      substituter: setting("extra-substituters"),
      trustedPublicKeys: setting("extra-trusted-public-keys").split(" "),
    });
    await puller.run("nix-store", "--realise", top);
    await verifyStore(puller);
    expect(await closureOf(puller, top)).toEqual(await closureOf(pusher, top));
  });

  it("shows neither the application key nor a token", async () => {
    expect(printed).not.toContain(bucket.secret);
    expect(printed).not.toContain("nargate_");
  });
});

async function runNargate(args: readonly string[], env: Record<string, string | undefined>) {
  return await new Promise<{ status: number | null; said: string }>((resolve) => {
    const child = spawn(path.join(ROOT, "nargate"), [...args], { env, cwd: ROOT });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.once("close", (status) => resolve({ status, said }));
  });
}
