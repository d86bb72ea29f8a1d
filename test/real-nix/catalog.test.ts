import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPusher } from "../../testkit/nix/gateway-clients.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { canBuild, hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";

describe.skipIf(!hasNix || !canBuild())("the catalog of a gateway that nargate pushes to", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway({ CATALOG: "on" });
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(async () => await gateway.stop());

  it("knows how long the build of a path took, and finds it by its name", async () => {
    const file = path.join(pusher.directory, "slow.nix");
    // A shell without sleep: it counts for some tenths of a second, and writes before and after.
    await writeFile(
      file,
      `derivation {
        name = "slow"; system = builtins.currentSystem; builder = "/bin/sh";
        args = [ "-c" "echo begins; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo $i > $out; echo ends" ];
      }`,
    );
    const built = await pusher.run("nix-build", "--no-out-link", file);
    await nargate.run("push", built);
    const seconds = await readBuildSeconds(built);
    expect(seconds).toBeGreaterThan(0);
    expect(seconds).toBeLessThan(60);
    await untilComplete();
    const again = await nargate.run("push", "--json", built);
    expect(JSON.parse(again.stdout)).toMatchObject({ pushed: [], skipped: [{ path: built }] });
    const { stdout } = await nargate.run("search", "slow");
    expect(stdout).toContain("-slow\n");
  });

  /** The catalog learns beside the answer to a push. */
  async function readBuildSeconds(storePath: string): Promise<unknown> {
    for (let tries = 0; tries < 100; tries++) {
      const { stdout } = await nargate.attempt("info", "--json", storePath);
      const { catalog } = JSON.parse(stdout) as { catalog?: { buildSeconds: unknown } };
      if (catalog !== undefined) return catalog.buildSeconds;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("the catalog was not told");
  }

  async function untilComplete(): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      const { stdout } = await nargate.attempt("stats", "--json");
      if ((JSON.parse(stdout) as { complete: boolean }).complete) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error("the catalog does not know the bucket");
  }
});
