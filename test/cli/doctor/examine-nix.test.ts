import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { createHttpClient } from "../../../src/client/gateway/http-client.ts";
import { examineNetrc } from "../../../src/cli/doctor/examine-nix.ts";
import { answerJson, serve } from "../../../testkit/node/serve.ts";
import { temporaryDirectory } from "../../../testkit/node/temporary-directory.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

/** The token "good" works, and no other. */
async function examine(netrcText: string | undefined, mode = 0o600, host?: string) {
  const netrcFile = path.join(await temporaryDirectory(), "netrc");
  if (netrcText !== undefined) {
    await writeFile(netrcFile, netrcText);
    await chmod(netrcFile, mode);
  }
  const url = await serve((request, response) => {
    if (request.headers.authorization === "Bearer good") {
      answerJson(response, { name: "reader", scopes: ["read"], expires: null });
    } else {
      const error = { code: "credential-wrong", message: "This token is unknown." };
      answerJson(response, { error }, 401);
    }
  });
  const nix = {
    trust: { isTrusted: true, isOwnStore: false, user: "alice" },
    settings: {
      substituters: [],
      trustedPublicKeys: [],
      trustedSubstituters: [],
      trustedUsers: [],
      netrcFile,
    },
  };
  const http = createHttpClient(createTestContext({ fetch }));
  const use = { url: host ?? url, isPrivate: true, publicKeys: [] };
  return { netrcFile, finding: await examineNetrc(use, nix, http) };
}

describe("examineNetrc", () => {
  it("finds a token that works", async () => {
    const { netrcFile, finding } = await examine("machine 127.0.0.1 password good\n");
    expect(finding).toEqual({
      check: "netrc",
      verdict: "ok",
      says: `the token reader in ${netrcFile} works`,
    });
  });

  it("fails where the file is not there, and says what belongs into it", async () => {
    const { netrcFile, finding } = await examine(undefined);
    expect(finding).toMatchObject({
      verdict: "FAIL",
      says: `Nix reads ${netrcFile}, but this file does not exist`,
      remedy: `As root, put "machine 127.0.0.1 login nargate password <token>" into ${netrcFile}, and set the mode of the file to 600.`,
    });
  });

  it("fails where the file does not know the host", async () => {
    const { netrcFile, finding } = await examine("machine o.example password good\n");
    expect(finding).toMatchObject({
      verdict: "FAIL",
      says: `${netrcFile} has no entry for 127.0.0.1`,
    });
  });

  it("fails where the token does not work, without showing it", async () => {
    const { finding } = await examine("machine 127.0.0.1 password the-secret\n");
    expect(finding).toMatchObject({
      verdict: "FAIL",
      says: expect.stringContaining("401 This token is unknown."),
    });
    expect(JSON.stringify(finding)).not.toContain("the-secret");
  });

  it("warns where everyone can read it", async () => {
    const { netrcFile, finding } = await examine("machine 127.0.0.1 password good\n", 0o644);
    expect(finding).toMatchObject({ verdict: "warn", remedy: `Run: chmod 600 ${netrcFile}` });
  });

  it("does not send the token over plain http", async () => {
    const host = "http://cache.example.org";
    const { finding } = await examine("machine cache.example.org password good\n", 0o600, host);
    expect(finding).toMatchObject({ verdict: "warn", remedy: "Use the https URL of the cache." });
  });

  it("does not claim anything of a file that it cannot read", async () => {
    const directory = await temporaryDirectory();
    await writeFile(path.join(directory, "file"), "");
    const netrcFile = path.join(directory, "file/netrc");
    const nix = {
      trust: { isTrusted: true, isOwnStore: false, user: "alice" },
      settings: {
        substituters: [],
        trustedPublicKeys: [],
        trustedSubstituters: [],
        trustedUsers: [],
        netrcFile,
      },
    };
    const use = { url: "https://cache.example.org", isPrivate: true, publicKeys: [] };
    expect(await examineNetrc(use, nix, createHttpClient(createTestContext()))).toMatchObject({
      verdict: "skipped",
      says: `alice cannot read ${netrcFile}: ENOTDIR`,
      remedy: "Run this command as root to check the file.",
    });
  });
});
