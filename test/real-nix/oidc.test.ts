import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPuller } from "../../testkit/nix/gateway-clients.ts";
import { type LocalGateway, startLocalGateway } from "../../testkit/node/local-gateway.ts";
import { createNixMachine, hasNix } from "../../testkit/nix/nix-client.ts";
import { addTexts } from "../../testkit/nix/nix-paths.ts";
import { type OidcIssuer, startOidcIssuer } from "../../testkit/node/oidc-issuer.ts";
import { GITHUB_CLAIMS, githubTrust } from "../../testkit/fake-issuer.ts";

const AUDIENCE = "https://cache.example.org";
const GOOD = { ...GITHUB_CLAIMS, aud: AUDIENCE };

describe.skipIf(!hasNix)("nix copy with an OIDC token in its netrc", () => {
  let issuer: OidcIssuer;
  let gateway: LocalGateway;

  beforeAll(async () => {
    issuer = await startOidcIssuer();
    const trust = [githubTrust(issuer.url, AUDIENCE)];
    gateway = await startLocalGateway({ TOKENS: "", OIDC_TRUST: JSON.stringify(trust) });
  });
  afterAll(async () => {
    await gateway.stop();
    await issuer.close();
  });

  async function copy(claims: Readonly<Record<string, unknown>>, name: string) {
    const machine = await createNixMachine(gateway.directory, { token: await issuer.sign(claims) });
    const texts = await addTexts(machine, name, 3);
    const url = `${gateway.url}?compression=zstd`;
    return { texts, copied: await machine.attempt("nix", "copy", "--to", url, texts) };
  }

  it("fails with a line that says why, where the token is refused", async () => {
    const { copied } = await copy({ ...GOOD, event_name: "pull_request_target" }, "refused");
    expect(copied.code).toBe(1);
    expect(copied.stderr).toContain(
      "This cache does not accept an OIDC token that has event_name (pull_request_target).",
    );
    expect(gateway.bucket.keys()).toEqual([]);
  });

  it("pushes what anyone can pull, and asks the issuer once for all of it", async () => {
    // As long as GitHub's get: a netrc has it on one line.
    const { texts, copied } = await copy({ ...GOOD, padding: "x".repeat(1500) }, "pushed");
    expect(copied).toMatchObject({ code: 0 });
    expect(issuer.requests).toEqual(["/.well-known/openid-configuration", "/keys"]);
    issuer.goDown();
    const puller = await createPuller(gateway, { token: await issuer.sign(GOOD) });
    expect(await puller.run("nix-store", "--realise", texts)).toBe(texts);
    issuer.comeBack();
  });

  it("fails with the signature of a key that was withdrawn before anyone asked", async () => {
    const former = await issuer.sign(GOOD);
    await issuer.rotateKeys();
    const fresh = await startLocalGateway({
      TOKENS: "",
      OIDC_TRUST: JSON.stringify([githubTrust(issuer.url, AUDIENCE)]),
    });
    const put = async (token: string) =>
      await fetch(`${fresh.url}/log/bmzwz4nw9l9hfw14g35x4qj231imizfk-hello.drv`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}` },
        body: "building\n",
      });
    expect((await put(await issuer.sign(GOOD))).status).toBe(200);
    const refused = await put(former);
    expect(refused.status).toBe(401);
    expect(await refused.text()).toBe("No key of the issuer has signed this OIDC token.\n");
    await fresh.stop();
  });
});
