import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPuller, createPusher, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import { createNargate } from "../../testkit/nix/nargate-command.ts";
import { canBuild, hasNix } from "../../testkit/nix/nix-client.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";

const SETTINGS = { "experimental-features": "nix-command ca-derivations" };

/** `top` is content-addressed and needs `base`, which is too: what Nix builds is another derivation. */
const expression = (name: string) => `let
  build = name: needs: derivation {
    inherit name needs;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-c" "echo \${name} $needs > $out" ];
    __contentAddressed = true;
    outputHashMode = "recursive";
    outputHashAlgo = "sha256";
  };
in build "${name}-top" (build "${name}-base" "")`;

describe.skipIf(!hasNix || !canBuild())("realisations", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway();
  });
  afterAll(() => gateway.stop());

  async function expectFound(name: string, output: string): Promise<void> {
    const settings = { ...SETTINGS, "max-jobs": "0" };
    const puller = await createPuller(gateway, { settings });
    const file = path.join(puller.directory, "expression.nix");
    await writeFile(file, expression(name));
    expect(await puller.run("nix-build", "--no-out-link", file)).toBe(output);
    await verifyStore(puller);
  }

  it("are pushed by nargate push, so that another machine finds the output", async () => {
    const builder = await createPusher(gateway, { settings: SETTINGS });
    const nargate = await createNargate(builder, gateway);
    const file = path.join(builder.directory, "expression.nix");
    await writeFile(file, expression("pushed"));
    const output = await builder.run("nix-build", "--no-out-link", file);
    const { stderr } = await nargate.run("push", output);
    expect(stderr).toMatch(/^stored [23] realisations$/m);
    await expectFound("pushed", output);
  });

  it("are pushed by nargate watch-exec", async () => {
    const builder = await createPusher(gateway, { settings: SETTINGS });
    const nargate = await createNargate(builder, gateway);
    const file = path.join(builder.directory, "expression.nix");
    await writeFile(file, expression("watched"));
    const build = ["nix-build", "--no-out-link", file];
    const { stdout } = await nargate.run("watch-exec", "--", ...build);
    await expectFound("watched", stdout.trim());
  });
});
