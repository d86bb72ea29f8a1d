import { describe, expect, it } from "vitest";
import { PUBLIC_KEY } from "../../testkit/node/gateway-facts.ts";
import { prepareUse, TRUSTED, UNTRUSTED } from "../../testkit/node/prepare-use.ts";

describe("nargate use", () => {
  it("prints the lines for nix.conf on standard output, and nothing else there", async () => {
    const { url, run } = await prepareUse();
    const { code, stdout } = await run([]);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `extra-substituters = ${url}\nextra-trusted-public-keys = ${PUBLIC_KEY}\nfallback = true\n`,
    );
  });

  it("says where the lines belong, and that they work in a trusted user's own file", async () => {
    const { home, nixConf, run } = await prepareUse();
    const { stderr } = await run([]);
    expect(stderr).toContain(
      `put these lines into ${home}/etc/nix.conf (on NixOS into nix.settings)`,
    );
    expect(stderr).toContain(
      `The Nix daemon trusts alice, so these lines also work in ${nixConf}. Use --write to put them there.`,
    );
  });

  it("says that the daemon ignores what an untrusted user sets", async () => {
    const { home, nixConf, run } = await prepareUse(UNTRUSTED);
    expect((await run([])).stderr).toContain(
      `The Nix daemon does not trust alice, so it ignores these lines in ${nixConf}. Put them into ${home}/etc/nix.conf, or add alice to trusted-users there, as root.`,
    );
  });

  it("says that there is no Nix to ask", async () => {
    const { home, run } = await prepareUse();
    const { code, stderr } = await run([], { PATH: home });
    expect(code).toBe(0);
    expect(stderr).toContain(
      "Cannot ask Nix on this machine (nix is not on the PATH; install Nix).",
    );
  });

  it("shows what a private cache needs in netrc, and never the token", async () => {
    const { home, run } = await prepareUse(TRUSTED, { access: "token" });
    const { stdout, stderr } = await run([], { NARGATE_TOKEN: "the-secret-token" });
    expect(stderr).toContain(
      `reads the token only from ${home}/etc/netrc, not from your own netrc file. Put this line into that file (mode 600):`,
    );
    expect(stderr).toContain("machine 127.0.0.1 login nargate password <token>");
    expect(stdout + stderr).not.toContain("the-secret-token");
  });

  it("says that no key is published", async () => {
    const { run } = await prepareUse(TRUSTED, { publicKeys: [] });
    const { stdout, stderr } = await run([]);
    expect(stdout).not.toContain("trusted-public-keys");
    expect(stderr).toContain(
      "does not publish its public key, so Nix refuses most of its paths. Ask its operator to set PUBLIC_KEYS or SIGNING_KEY.",
    );
  });

  it("says that nix.conf has another key of the same name", async () => {
    const own = { "trusted-public-keys": ["cache.nixos.org-1:AAAA"] };
    const { run } = await prepareUse({ ...TRUSTED, own });
    expect((await run([])).stderr).toContain(
      "nix.conf has another key with the name cache.nixos.org-1, and Nix uses only one key of a name. Remove the old key.",
    );
  });

  it("prints JSON for a program", async () => {
    const { url, run } = await prepareUse(UNTRUSTED);
    const { stdout, stderr } = await run(["--json"]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      url,
      access: "public",
      settings: {
        "extra-substituters": [url],
        "extra-trusted-public-keys": [PUBLIC_KEY],
        fallback: true,
      },
      trusted: false,
      nixConf: null,
      netrc: null,
    });
  });
});
