import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { startInitTrial } from "../../../testkit/node/init-trial.ts";
import { LIFECYCLE } from "../../../testkit/node/start-canary-bucket.ts";

function narinfoText(hash: string): string {
  return [
    `StorePath: /nix/store/${hash}-x`,
    `URL: nar/${"1".repeat(52)}.nar.xz`,
    "Compression: xz",
    `FileHash: sha256:${"1".repeat(52)}`,
    "FileSize: 100",
    `NarHash: sha256:${"0".repeat(52)}`,
    "NarSize: 200",
    "References: ",
    "",
  ].join("\n");
}

/** A trial whose bucket holds unsigned paths already. */
async function trialWithPaths(count: number) {
  const trial = await startInitTrial();
  for (let index = 0; index < count; index++) {
    const hash = String(index).padStart(32, "0");
    const text = narinfoText(hash);
    await trial.bucket.view.write(`${hash}.narinfo`, Buffer.from(text));
  }
  return trial;
}

describe("nargate init on a bucket with a cache", { timeout: 60_000 }, () => {
  it("serves it only if that is what the person wants", async () => {
    const trial = await trialWithPaths(3);
    const { error } = await trial.run(["--no-deploy"]);
    expect(error).toBe(
      "ai-dev-env/nix/cache/ holds a Nix cache already. To serve it give --existing yes; otherwise choose another --prefix",
    );
    const denied = await trial.run(["--no-deploy", "--existing", "no"]);
    expect(denied.error).toContain("--existing no, but ai-dev-env/nix/cache/ holds a Nix cache.");
    const agreed = await trial.run(["--no-deploy", "--existing", "yes"]);
    expect(agreed.error).toBeUndefined();
    expect(agreed.output).toContain(
      "The bucket holds a Nix cache with 3 paths.\nLooked at 3: 3 without a signature, which no client accepts.\n",
    );
  });

  it("says that it cannot read what looks like a narinfo", async () => {
    const trial = await startInitTrial();
    await trial.bucket.view.write(`${"1".repeat(32)}.narinfo`, Buffer.from("<html>"));
    const { output } = await trial.run(["--no-deploy", "--existing", "yes"]);
    expect(output).toContain("None of those that were looked at can be read.\n");
  });

  it("says where the cache is if the prefix is wrong", async () => {
    const trial = await trialWithPaths(1);
    const { error } = await trial.run(["--no-deploy", "--existing", "yes", "--prefix", "nix/cash"]);
    expect(error).toBe(
      'there is no Nix cache at ai-dev-env/nix/cash/. There is one with --prefix "nix/cache/"',
    );
  });

  it("changes no object of it", async () => {
    const trial = await trialWithPaths(3);
    const before = trial.bucket.view.versions();
    await trial.run(["--existing", "yes"]);
    expect(trial.bucket.view.versions()).toEqual(before);
  });

  it("takes over its store directory", async () => {
    const trial = await startInitTrial();
    await trial.bucket.view.write("nix-cache-info", Buffer.from("StoreDir: /gnu/store\n"));
    await trial.run(["--no-deploy"]);
    expect(await readFile(trial.configFile, "utf8")).toContain('STORE_DIR = "/gnu/store"\n');
  });

  it("explains a wrong application key", async () => {
    const trial = await startInitTrial();
    const file = path.join(trial.home, "key");
    await writeFile(file, "wrong");
    const { error } = await trial.run(["--application-key-file", file]);
    expect(error).toContain("the application key does not belong to the key ID");
  });

  it("stops at a failed check, unless it is accepted", async () => {
    const trial = await startInitTrial();
    await trial.bucket.store.writeLifecycle(LIFECYCLE.replace("nix/cache/", "other/"));
    const { error } = await trial.run(["--no-deploy"]);
    expect(error).toContain("a check of the bucket failed, and no file has been written.");
    const agreed = await trial.run(["--no-deploy", "--accept-problems"]);
    expect(agreed.error).toBeUndefined();
  });
});
