import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { startFakeB2 } from "../../testkit/node/fake-b2.ts";
import { closureOf, verifyStore } from "../../testkit/nix/gateway-clients.ts";
import {
  findFreePort,
  PUSH_TOKEN,
  publicKeyOfSecret,
  TOKENS,
} from "../../testkit/node/local-gateway.ts";
import { createNixMachine, hasNix } from "../../testkit/nix/nix-client.ts";
import { addBuilt, addTexts } from "../../testkit/nix/nix-paths.ts";
import { type NpmStart, npmStart } from "../../testkit/node/npm-start.ts";

describe.skipIf(!hasNix)("the commands that npm start prints", () => {
  let directory: string;
  let server: NpmStart;

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "nargate-npm-start-"));
    server = await npmStart({
      PATH: process.env["PATH"] ?? "",
      PORT: String(await findFreePort()),
      NARGATE_STATE: path.join(directory, "state"),
    });
    await server.serving;
  });
  afterAll(async () => {
    server.interrupt();
    await server.ended;
    await rm(directory, { recursive: true, force: true });
  });

  /** The line that begins so, as the words of a command about `storePath`. */
  function printedCommand(beginning: string, storePath: string): readonly string[] {
    const lines = server.said().split("\n");
    const line = lines.find((candidate) => candidate.trim().startsWith(beginning)) ?? "";
    // A shell would take the quotes away.
    return line.trim().replace("PATH", storePath).replaceAll("'", "").split(" ");
  }

  it("push a closure and pull it into an empty store", async () => {
    const pusher = await createNixMachine(directory);
    const texts = await addTexts(pusher, "printed-texts", 5);
    const top = await addBuilt(pusher, { name: "printed", references: [texts] });
    const [push = "", ...pushArgs] = printedCommand("nix --extra", top);
    await pusher.run(push, ...pushArgs);

    const puller = await createNixMachine(directory);
    const [pull = "", ...pullArgs] = printedCommand("nix-store --realise", top);
    await puller.run(pull, ...pullArgs);
    await verifyStore(puller);
    expect(await closureOf(puller, top)).toEqual(await closureOf(pusher, top));
  });
});

describe.skipIf(!hasNix)("npm start with the B2_ settings and TOKENS of another S3 server", () => {
  it("carries a closure to and from that server's bucket", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "nargate-npm-start-"));
    const b2 = await startFakeB2();
    const signingKey = await generateSecretKey("operator-1");
    const port = await findFreePort();
    const server = await npmStart({
      PATH: process.env["PATH"] ?? "",
      PORT: String(port),
      B2_ENDPOINT: b2.endpoint,
      B2_REGION: b2.region,
      B2_BUCKET: b2.bucket,
      B2_PREFIX: "",
      B2_KEY_ID: b2.keyId,
      B2_APPLICATION_KEY: b2.secret,
      TOKENS,
      SIGNING_KEY: signingKey,
    });
    await server.serving;
    const url = `http://127.0.0.1:${port}`;

    const stranger = await createNixMachine(directory, { token: `nargate_${"0".repeat(52)}` });
    const texts = await addTexts(stranger, "elsewhere", 3);
    const refused = await stranger.attempt("nix", "copy", "--to", url, texts);
    expect(refused.stderr).toContain("This token is unknown or has expired.");

    const pusher = await createNixMachine(directory, { token: PUSH_TOKEN });
    const top = await addBuilt(pusher, {
      name: "elsewhere",
      references: [await addTexts(pusher, "elsewhere-texts", 5)],
    });
    await pusher.run("nix", "copy", "--to", `${url}?compression=zstd`, top);
    const puller = await createNixMachine(directory, {
      substituter: url,
      trustedPublicKeys: [publicKeyOfSecret(signingKey)],
    });
    await puller.run("nix-store", "--realise", top);
    await verifyStore(puller);
    expect(await closureOf(puller, top)).toEqual(await closureOf(pusher, top));

    server.interrupt();
    expect(await server.ended).toBe(0);
    await b2.close();
    await rm(directory, { recursive: true, force: true });
  });
});
