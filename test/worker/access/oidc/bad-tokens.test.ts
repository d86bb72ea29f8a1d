import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOidcToken } from "../../../../src/worker/access/oidc/verify-oidc-token.ts";
import { createFakeIssuer, githubTrust } from "../../../../testkit/fake-issuer.ts";
import {
  confusedToken,
  unsignedToken,
  withClaims,
} from "../../../../testkit/workerd/bad-tokens.ts";
import {
  AUDIENCE,
  GOOD_CLAIMS,
  ISSUER,
  startVerifier,
} from "../../../../testkit/workerd/oidc-verifier.ts";

const NOT_SIGNED = "401 No key of the issuer has signed this OIDC token.";
const CANNOT_BE_READ = "401 This OIDC token cannot be read:";
const ALGORITHM =
  "401 This cache accepts OIDC tokens that are signed with a key pair (such as RS256 or ES256), but not with the algorithm";

describe("a forged OIDC token is refused, with", () => {
  const claims = { ...GOOD_CLAIMS, iss: ISSUER, exp: Math.floor(Date.now() / 1000) + 300 };

  it.each(["none", "None", "NONE"])("the algorithm %s", async (algorithm) => {
    const { issuer, lineFor } = await startVerifier();
    expect(await lineFor(unsignedToken(claims, { alg: algorithm }))).toBe(
      `${ALGORITHM} ${algorithm}.`,
    );
    expect(issuer.requests).toEqual([]);
  });

  it("no algorithm", async () => {
    const { lineFor } = await startVerifier();
    expect(await lineFor(unsignedToken(claims, {}))).toBe(`${ALGORITHM} none.`);
  });

  it("the public key taken for a secret", async () => {
    const { issuer, lineFor } = await startVerifier();
    const { keys } = JSON.parse(issuer.keySet());
    for (const publicKey of [issuer.keySet(), JSON.stringify(keys[0]), keys[0].n]) {
      expect(await lineFor(await confusedToken(claims, publicKey))).toBe(`${ALGORITHM} HS256.`);
    }
  });

  it("no signature under a good algorithm", async () => {
    const { lineFor } = await startVerifier();
    expect(await lineFor(unsignedToken(claims, { alg: "RS256" }))).toBe(NOT_SIGNED);
  });

  it("another algorithm than its key is for", async () => {
    const { lineFor } = await startVerifier();
    for (const algorithm of ["RS512", "PS256", "ES256", "EdDSA"]) {
      expect(await lineFor(unsignedToken(claims, { alg: algorithm }))).toBe(NOT_SIGNED);
    }
  });

  it("other claims under a good signature", async () => {
    const { issuer, lineFor } = await startVerifier();
    const token = await issuer.sign({ ...GOOD_CLAIMS, repository_id: "75" });
    expect(await lineFor(withClaims(token, claims))).toBe(NOT_SIGNED);
  });

  it("a changed signature", async () => {
    const { issuer, lineFor } = await startVerifier();
    const token = await issuer.sign(GOOD_CLAIMS);
    const at = token.lastIndexOf(".") + 20;
    const changed = token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
    expect(await lineFor(changed)).toBe(NOT_SIGNED);
  });

  it("the signature of someone who calls himself the issuer, and his key", async () => {
    const { lineFor } = await startVerifier();
    const impostor = await createFakeIssuer(ISSUER);
    expect(await lineFor(await impostor.sign(GOOD_CLAIMS))).toBe(NOT_SIGNED);
  });

  it("a key of its own in the header", async () => {
    const { lineFor } = await startVerifier();
    const impostor = await createFakeIssuer(ISSUER);
    const [jwk] = JSON.parse(impostor.keySet()).keys;
    for (const header of [
      { jwk },
      { jku: "https://evil.example/keys" },
      { x5u: "https://evil.example/x" },
      { jwk, kid: "key-2" },
    ]) {
      expect(await lineFor(await impostor.sign(GOOD_CLAIMS, { header }))).toBe(NOT_SIGNED);
    }
  });

  it("a key of another trusted issuer", async () => {
    const other = await createFakeIssuer("https://other.example.org");
    const trust = [githubTrust(ISSUER, AUDIENCE), githubTrust(other.url, AUDIENCE)];
    const { lineFor } = await startVerifier({ trust });
    expect(await lineFor(await other.sign({ ...GOOD_CLAIMS, iss: ISSUER }))).toBe(NOT_SIGNED);
  });

  it("an extension in the header that it calls critical", async () => {
    const { lineFor } = await startVerifier();
    const token = unsignedToken(claims, { alg: "RS256", crit: ["x"], x: 1 });
    expect(await lineFor(token)).toBe(
      `${CANNOT_BE_READ} its header or its claims are malformed or not supported.`,
    );
  });

  it.each([
    { what: "claims that are no JSON", token: "eyJhbGciOiJSUzI1NiJ9.bm8.eA" },
    { what: "claims that are a list", token: "eyJhbGciOiJSUzI1NiJ9.W10.eA" },
    { what: "a header that is no JSON", token: "eyJhbGciOiJSUzI1Ni.e30.eA" },
    { what: "no end", token: unsignedToken({ ...claims, padding: "x".repeat(16_000) }) },
  ])("$what", async ({ token }) => {
    const { issuer, lineFor } = await startVerifier();
    expect(isOidcToken(token)).toBe(true);
    expect(await lineFor(token)).toBe(`${CANNOT_BE_READ} it is not a JWT.`);
    expect(issuer.requests).toEqual([]);
  });

  it("anything that is not the issuer's", async () => {
    const { issuer, verify } = await startVerifier();
    const token = await issuer.sign(GOOD_CLAIMS);
    const cut = fc.nat(token.length - 1);
    const unit = fc.constantFrom(..."ABCxyz019-_.");
    await fc.assert(
      fc.asyncProperty(cut, cut, fc.string({ unit, maxLength: 20 }), async (start, end, other) => {
        const mangled =
          token.slice(0, Math.min(start, end)) + other + token.slice(Math.max(start, end));
        fc.pre(mangled !== token);
        const verified = await verify(mangled);
        expect(verified.ok || verified.error.code).toMatch(
          /^oidc-(?:malformed|signature|algorithm|issuer-unknown)$/,
        );
      }),
    );
  });
});
