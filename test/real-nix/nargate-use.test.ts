import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runNargate } from "../../testkit/node/run-nargate.ts";
import { createPusher } from "../../testkit/nix/gateway-clients.ts";
import {
  type LocalGateway,
  READ_TOKEN,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { createNixMachine, hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addBuilt } from "../../testkit/nix/nix-paths.ts";

/** What Nix itself makes of the machine's nix.conf. */
async function readSetting(machine: NixMachine, name: string): Promise<unknown> {
  const settings: unknown = JSON.parse(await machine.run("nix", "show-config", "--json"));
  return (settings as Record<string, { value: unknown }>)[name]?.value;
}

async function use(
  machine: NixMachine,
  { url }: LocalGateway,
  env: Readonly<Record<string, string>> = {},
) {
  const file = path.join(machine.directory, "conf/nix.conf");
  const result = await runNargate(["use", url, "--write", "--file", file], {
    cwd: machine.directory,
    env: { PATH: process.env["PATH"], HOME: machine.directory, ...env },
  });
  return { ...result, text: await readFile(file, "utf8"), file };
}

describe.skipIf(!hasNix)("nargate use --write, as Nix reads it", () => {
  let gateway: LocalGateway;
  beforeAll(async () => {
    gateway = await startLocalGateway();
  });
  afterAll(() => gateway.stop());

  it("makes Nix pull from the cache what only its key signed", async () => {
    const pusher = await createPusher(gateway);
    const built = await addBuilt(pusher, { name: "used" });
    await pusher.run("nix", "copy", "--to", gateway.url, built);

    const machine = await createNixMachine(gateway.directory);
    expect((await machine.attempt("nix-store", "--realise", built)).code).not.toBe(0);
    expect((await use(machine, gateway)).code).toBe(0);
    await machine.forgetCaches();
    expect(await machine.run("nix-store", "--realise", built)).toBe(built);
  });

  it.each([
    { what: "nothing about caches", before: "", others: ["https://cache.nixos.org/"] },
    {
      what: "lines that add",
      before: "extra-substituters = https://a.example # ours\nextra-trusted-public-keys = \n",
      others: ["https://cache.nixos.org/", "https://a.example"],
    },
    {
      what: "lines that add twice",
      before: "extra-substituters = https://a.example\nextra-substituters = https://b.example\n",
      others: ["https://cache.nixos.org/", "https://a.example", "https://b.example"],
    },
    {
      what: "a plain line below one that adds",
      before: "extra-substituters = https://a.example\nsubstituters = https://b.example\n",
      others: ["https://b.example"],
    },
    {
      what: "an include that starts anew",
      before: "extra-substituters = https://a.example\ninclude anew.conf\n",
      others: ["https://c.example"],
    },
    {
      what: "the older names",
      before: "binary-caches = https://a.example\nextra-binary-caches = https://b.example\n",
      others: ["https://a.example", "https://b.example"],
    },
  ])("adds to a nix.conf with $what, once", async ({ before, others }) => {
    const machine = await createNixMachine(gateway.directory);
    const conf = path.join(machine.directory, "conf");
    await writeFile(path.join(conf, "nix.conf"), `experimental-features = nix-command\n${before}`);
    await writeFile(path.join(conf, "anew.conf"), "substituters = https://c.example\n");
    const once = await use(machine, gateway);
    expect(once.code).toBe(0);
    expect(await readSetting(machine, "substituters")).toEqual([...others, gateway.url]);
    expect(await readSetting(machine, "trusted-public-keys")).toContain(gateway.publicKey);
    const twice = await use(machine, gateway);
    expect([twice.text, twice.stdout]).toEqual([once.text, `${once.file} already has the lines\n`]);
  });
});

describe.skipIf(!hasNix)("nargate use --write of a private cache, as Nix reads it", () => {
  it("makes Nix show the token", async () => {
    const gateway = await startLocalGateway({ READ_ACCESS: "token" });
    try {
      const pusher = await createPusher(gateway);
      const built = await addBuilt(pusher, { name: "secret" });
      await pusher.run("nix", "copy", "--to", gateway.url, built);

      const machine = await createNixMachine(gateway.directory);
      const { code } = await use(machine, gateway, { NARGATE_TOKEN: READ_TOKEN });
      expect(code).toBe(0);
      expect(await machine.run("nix-store", "--realise", built)).toBe(built);
    } finally {
      await gateway.stop();
    }
  });
});
