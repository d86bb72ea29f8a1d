import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPusher } from "../../testkit/nix/gateway-clients.ts";
import {
  ADMIN_TOKEN,
  type LocalGateway,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts } from "../../testkit/nix/nix-paths.ts";

describe.skipIf(!hasNix)("pins, by the command and the real worker", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(() => gateway.stop());

  /** The paths of each pin, the newest first. */
  async function pins(): Promise<Record<string, readonly string[]>> {
    const { pins: list }: { pins: { name: string; revisions: { path: string }[] }[] } = JSON.parse(
      (await nargate.run("pins", "--json")).stdout,
    );
    return Object.fromEntries(
      list.map(({ name, revisions }) => [name, revisions.map(({ path }) => path)]),
    );
  }

  it("come with a push, one after the other, and go again", async () => {
    const texts = await addTexts(pusher, "pinned-texts", 2);
    const first = await addBuilt(pusher, { name: "a+b_c.d?e=f", references: [texts] });
    const second = await addBuilt(pusher, { name: "pinned-2", references: [texts] });
    const { code, stderr } = await nargate.attempt("pin", "Main", first);
    expect(code).toBe(1);
    expect(stderr).toContain("409 Push the path before you pin it");

    for (const path of [first, second]) {
      await nargate.run("push", "--pin", "Main", "--keep-revisions", "1", path);
    }
    await nargate.run("pin", "v1.0", first);
    expect(await pins()).toEqual({ Main: [second], "v1.0": [first] });

    expect((await nargate.attempt("unpin", "v1.0")).stderr).toContain("the scope admin");
    const admin = { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } };
    const health = await (await fetch(`${gateway.url}/healthz`, admin)).text();
    expect(health).toContain("pins: 2, paths: 2");
    const body = JSON.stringify({ name: "v1.0" });
    const url = `${gateway.url}/api/v1/pins/remove`;
    expect((await fetch(url, { ...admin, method: "POST", body })).status).toBe(200);
    expect(await pins()).toEqual({ Main: [second] });
  });
});
