import { describe, expect, it } from "vitest";
import {
  isOidcToken,
  OIDC_ALGORITHMS,
} from "../../../../src/worker/access/oidc/verify-oidc-token.ts";
import { createFakeIssuer, githubTrust } from "../../../../testkit/fake-issuer.ts";
import {
  AUDIENCE,
  GOOD_CLAIMS,
  identityOf,
  ISSUER,
  startVerifier,
} from "../../../../testkit/workerd/oidc-verifier.ts";

/** Seconds since 1970, from now. */
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds;

describe("an OIDC token", () => {
  it("of the policy earns its scopes, under the name of its repository", async () => {
    const { issuer, verify } = await startVerifier();
    expect(await verify(await issuer.sign(GOOD_CLAIMS))).toEqual({
      ok: true,
      value: {
        name: "issuer.example.org:octo-org/octo-repo",
        scopes: ["push"],
        claims: {
          repository: "octo-org/octo-repo",
          ref: "refs/heads/main",
          event_name: "push",
          actor: "octocat",
          job_workflow_ref: GOOD_CLAIMS.job_workflow_ref,
          run_id: "1234567890",
        },
      },
    });
  });

  it.each(OIDC_ALGORITHMS)("may be signed with %s", async (algorithm) => {
    const { issuer, lineFor } = await startVerifier({
      issuer: await createFakeIssuer(ISSUER, algorithm),
    });
    expect(await lineFor(await issuer.sign(GOOD_CLAIMS))).toBe("admitted: push");
  });

  it("may name several audiences, and carry claims that nobody asks for", async () => {
    const { issuer, lineFor } = await startVerifier();
    const aud = ["https://other.example.org", AUDIENCE];
    const token = await issuer.sign({
      ...GOOD_CLAIMS,
      aud,
      scopes: ["admin"],
      scope: "admin",
      admin: true,
    });
    expect(await lineFor(token)).toBe("admitted: push");
  });

  it("may be a minute late or early, since clocks differ", async () => {
    const { issuer, lineFor } = await startVerifier();
    expect(await lineFor(await issuer.sign({ ...GOOD_CLAIMS, exp: inSeconds(-50) }))).toMatch(
      "admitted",
    );
    expect(await lineFor(await issuer.sign({ ...GOOD_CLAIMS, nbf: inSeconds(50) }))).toMatch(
      "admitted",
    );
  });

  it("needs no nbf and no iat", async () => {
    const { issuer, lineFor } = await startVerifier();
    const token = await issuer.sign({ ...GOOD_CLAIMS, nbf: undefined, iat: undefined });
    expect(await lineFor(token)).toBe("admitted: push");
  });

  it("is held to its time at each use", async () => {
    const { issuer, environment, lineFor } = await startVerifier();
    const token = await issuer.sign(GOOD_CLAIMS);
    expect(await lineFor(token)).toBe("admitted: push");
    environment.pass(6 * 60_000);
    await lineFor(token);
    expect(await lineFor(token)).toMatch("401 This OIDC token has expired.");
  });

  it("of a rotated key is admitted, and of the former key refused", async () => {
    const { issuer, environment, lineFor } = await startVerifier();
    const former = await issuer.sign(GOOD_CLAIMS);
    expect(await lineFor(former)).toBe("admitted: push");
    await issuer.rotateKeys();
    environment.pass(31_000);
    expect(await lineFor(await issuer.sign(GOOD_CLAIMS))).toBe("admitted: push");
    expect(await lineFor(former)).toBe("401 No key of the issuer has signed this OIDC token.");
  });
});

describe("several entries", () => {
  const pullRequests = {
    ...githubTrust(ISSUER, AUDIENCE),
    claims: { repository_owner_id: "65", event_name: ["pull_request", "push"] },
    scopes: ["read"],
  };

  it("earn a token together what each earns it", async () => {
    const trust = [pullRequests, githubTrust(ISSUER, AUDIENCE)];
    for (const order of [trust, trust.toReversed()]) {
      const { issuer, verify } = await startVerifier({ trust: order });
      const verified = identityOf(await verify(await issuer.sign(GOOD_CLAIMS)));
      expect(verified.scopes.toSorted()).toEqual(["push", "read"]);
    }
  });

  it("tell one that may only read why it may not push", async () => {
    const { issuer, verify } = await startVerifier({
      trust: [pullRequests, githubTrust(ISSUER, AUDIENCE)],
    });
    const token = await issuer.sign({ ...GOOD_CLAIMS, event_name: "pull_request" });
    expect(identityOf(await verify(token))).toMatchObject({
      scopes: ["read"],
      pushRefusal: { code: "oidc-claims", subject: "event_name (pull_request)." },
    });
  });

  it("refuse with the claims of the one that comes nearest", async () => {
    const { issuer, lineFor } = await startVerifier({
      trust: [
        {
          ...githubTrust(ISSUER, AUDIENCE),
          claims: { repository_id: "99", event_name: "deployment" },
        },
        githubTrust(ISSUER, AUDIENCE),
      ],
    });
    const token = await issuer.sign({ ...GOOD_CLAIMS, ref: "refs/heads/x" });
    expect(await lineFor(token)).toBe(
      "401 This cache does not accept an OIDC token that has ref (refs/heads/x).",
    );
  });

  it("count only for their own audience", async () => {
    const elsewhere = "https://elsewhere.example.org";
    const { issuer, verify } = await startVerifier({
      trust: [pullRequests, githubTrust(ISSUER, elsewhere)],
    });
    expect(identityOf(await verify(await issuer.sign(GOOD_CLAIMS))).scopes).toEqual(["read"]);
    const both = await issuer.sign({ ...GOOD_CLAIMS, aud: elsewhere });
    expect(identityOf(await verify(both)).scopes).toEqual(["push"]);
  });
});

describe("isOidcToken", () => {
  it.each([
    { credential: "eyJhbGciOiJub25lIn0.e30.", is: true },
    { credential: "nargate_eyJhbGciOiJub25lIn0.e30.x", is: false },
    { credential: "eyJhbGciOiJub25lIn0.e30", is: false },
    { credential: "eyJhbGciOiJub25lIn0.e30.x.y.z", is: false },
    { credential: "a.b.c", is: false },
    { credential: "", is: false },
  ])("says $is of $credential", ({ credential, is }) => {
    expect(isOidcToken(credential)).toBe(is);
  });
});
