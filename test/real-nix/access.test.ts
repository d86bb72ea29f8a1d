import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPuller, createPusher } from "../../testkit/nix/gateway-clients.ts";
import {
  type LocalGateway,
  PUSH_TOKEN,
  READ_TOKEN,
  startLocalGateway,
} from "../../testkit/node/local-gateway.ts";
import { createNixMachine, hasNix } from "../../testkit/nix/nix-client.ts";
import { addTexts } from "../../testkit/nix/nix-paths.ts";

const WRONG_TOKEN = "nargate_0000000000000000000000000000000000000000000000000000";

describe.skipIf(!hasNix)("nix copy to a gateway that does not let it", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway();
  });
  afterAll(() => gateway.stop());

  it.each([
    {
      what: "no token",
      options: {},
      line: "HTTP error 401",
      sentence:
        "A token is required: put 'machine <this host> login nargate password <token>' into your netrc",
    },
    {
      what: "an unknown token",
      options: { token: WRONG_TOKEN },
      line: "HTTP error 401",
      sentence:
        "This token is unknown or has expired. Ask the operator of the cache for a new one.",
    },
    {
      what: "a token that may only read",
      options: { token: READ_TOKEN },
      line: "HTTP error 403",
      sentence:
        "This token does not allow this. Ask the operator of the cache for a token with the scope push.",
    },
  ])("fails at once with $what, and says what to do", async ({ options, line, sentence }) => {
    const machine = await createNixMachine(gateway.directory, options);
    const texts = await addTexts(machine, "refused", 3);
    const refused = await machine.attempt("nix", "copy", "--to", gateway.url, texts);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(line);
    expect(refused.stderr).toContain(sentence);
    expect(refused.milliseconds).toBeLessThan(10_000);
    expect(gateway.bucket.keys()).toEqual([]);
  });

  it("lets someone with a wrong token read what is public", async () => {
    const pusher = await createPusher(gateway);
    const texts = await addTexts(pusher, "public", 3);
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, texts);
    const puller = await createPuller(gateway, { token: WRONG_TOKEN });
    expect(await puller.run("nix-store", "--realise", texts)).toBe(texts);
  });
});

describe.skipIf(!hasNix)("a gateway with READ_ACCESS=token", () => {
  let gateway: LocalGateway;

  beforeAll(async () => {
    gateway = await startLocalGateway({ READ_ACCESS: "token" });
  });
  afterAll(() => gateway.stop());

  it("serves those with a token in their netrc, and nobody else", async () => {
    const pusher = await createPusher(gateway);
    const texts = await addTexts(pusher, "private", 3);
    await pusher.run("nix", "copy", "--to", `${gateway.url}?compression=zstd`, texts);

    for (const token of [READ_TOKEN, PUSH_TOKEN]) {
      const puller = await createPuller(gateway, { token });
      await puller.run("nix-store", "--realise", texts);
    }
    for (const options of [{}, { token: WRONG_TOKEN }]) {
      const stranger = await createPuller(gateway, options);
      const refused = await stranger.attempt("nix-store", "--realise", texts);
      expect(refused.code).not.toBe(0);
    }
  });
});
