import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPuller, createPusher } from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { createNargate, type NargateCommand } from "../../testkit/nix/nargate-command.ts";
import { hasNix, type NixMachine } from "../../testkit/nix/nix-client.ts";
import { addDirectory, addTexts, hashPart } from "../../testkit/nix/nix-paths.ts";

describe.skipIf(!hasNix)("nargate push of listings", () => {
  let gateway: LocalGateway;
  let pusher: NixMachine;
  let nargate: NargateCommand;

  beforeAll(async () => {
    gateway = await startLocalGateway();
    pusher = await createPusher(gateway);
    nargate = await createNargate(pusher, gateway);
  });
  afterAll(() => gateway.stop());

  it("sends the listing that nix copy would send, unless told not to", async () => {
    const tree = await addDirectory(pusher, "listed-tree", { "bin/x": "#!/bin/sh\n", empty: "" });
    await nargate.run("push", tree);
    const key = `${hashPart(tree)}.ls`;
    const cache = path.join(pusher.directory, "listings");
    await pusher.run("nix", "copy", "--to", `file://${cache}?write-nar-listing=1`, tree);
    const byNix = JSON.parse(await readFile(path.join(cache, key), "utf8"));
    const answer = await fetch(`${gateway.url}/${key}`);
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(await answer.json()).toEqual(byNix);
    gateway.bucket.forgetRequests();
    await nargate.run("push", "--no-listing", await addTexts(pusher, "unlisted", 1));
    const puts = gateway.bucket.requests({ method: "PUT" }).map((one) => one.key);
    expect(puts.length).toBeGreaterThan(0);
    expect(puts.filter((one) => one.endsWith(".ls"))).toEqual([]);
  });

  it("publishes a path whose listing is refused, and warns", async () => {
    // A small listing goes with its narinfo.
    const names = Array.from({ length: 100 }, (_, at) => [`file-${at}`, "text"]);
    const top = await addDirectory(pusher, "listing-refused", Object.fromEntries(names));
    gateway.faults.add({
      match: { method: "PUT", keyPattern: `${hashPart(top)}\\.ls$` },
      effect: { status: 400, code: "InvalidRequest" },
    });
    const { code, stderr } = await nargate.attempt("push", top);
    gateway.faults.clear();
    expect(code).toBe(0);
    expect(stderr).toMatch(/^warning: the listing of \S+-listing-refused is not sent: /m);
    const puller = await createPuller(gateway);
    await puller.run("nix-store", "--realise", top);
  });
});
