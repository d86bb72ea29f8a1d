import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseOidcTrust } from "../../../src/settings/oidc/parse-oidc-trust.ts";

const GITHUB = {
  issuer: "https://token.actions.githubusercontent.com",
  audience: "https://cache.example.org",
  claims: { repository_id: "74", event_name: ["push", "schedule", "workflow_dispatch"] },
  scopes: ["push"],
};
const GITLAB = {
  issuer: "https://gitlab.com",
  audience: "https://cache.example.org",
  claims: { project_id: "22", ref_protected: "true" },
  scopes: ["push"],
};
const OTHER = {
  issuer: "https://issuer.example.org",
  audience: "https://cache.example.org",
  claims: { sub: "system:serviceaccount:ci:*" },
  scopes: ["read"],
};

function problemOf(...entries: readonly unknown[]): string | undefined {
  const parsed = parseOidcTrust(JSON.stringify(entries));
  return parsed.ok ? undefined : parsed.error;
}

describe("parseOidcTrust", () => {
  it("reads issuers, audiences, claims and scopes", () => {
    const audience = ["https://cache.example.org", "https://nargate.example.workers.dev"];
    const scopes = ["read", "push"];
    expect(parseOidcTrust(JSON.stringify([{ ...GITHUB, audience, scopes }]))).toEqual({
      ok: true,
      value: [
        {
          issuer: "https://token.actions.githubusercontent.com",
          audiences: audience,
          claims: new Map([
            ["repository_id", ["74"]],
            ["event_name", ["push", "schedule", "workflow_dispatch"]],
          ]),
          scopes,
        },
      ],
    });
  });

  it.each([
    { what: "no JSON", text: "{", says: "is not JSON" },
    { what: "no array", text: "{}", says: "is not a JSON array" },
    { what: "a text as entry", text: '["x"]', says: "entry 1 is not an object" },
  ])("refuses $what", ({ text, says }) => {
    expect(parseOidcTrust(text)).toEqual({ ok: false, error: says });
  });

  it.each([
    {
      what: "an unknown field",
      change: { claim: {} },
      says: "has a field other than issuer, audience, claims, scopes",
    },
    { what: "no issuer", change: { issuer: undefined }, says: "needs an issuer" },
    {
      what: "plain HTTP",
      change: { issuer: "http://issuer.example.org" },
      says: "needs an issuer",
    },
    { what: "a query", change: { issuer: "https://x.example/?a" }, says: "needs an issuer" },
    { what: "a user", change: { issuer: "https://u@x.example" }, says: "needs an issuer" },
    {
      what: "an upper-case host",
      change: { issuer: "https://X.example" },
      says: "needs an issuer",
    },
    { what: "no audience", change: { audience: undefined }, says: "needs an audience" },
    { what: "no audiences", change: { audience: [] }, says: "needs an audience" },
    { what: "an audience as a name", change: { audience: "nargate" }, says: "needs an audience" },
    {
      what: "an audience with a slash",
      change: { audience: "https://cache.example.org/" },
      says: "needs an audience",
    },
    {
      what: "an audience with a pattern",
      change: { audience: "https://*.example.org/*" },
      says: "needs an audience",
    },
    {
      what: "no scopes",
      change: { scopes: [] },
      says: "needs a list of scopes, each of them one of read, push",
    },
    {
      what: "admin",
      change: { scopes: ["push", "admin"] },
      says: "needs a list of scopes, each of them one of read, push",
    },
    { what: "a scope as text", change: { scopes: "push" }, says: "needs a list of scopes" },
    { what: "no claims", change: { claims: undefined }, says: "needs claims" },
    { what: "empty claims", change: { claims: {} }, says: "needs claims" },
    { what: "a list of claims", change: { claims: ["sub"] }, says: "needs claims" },
    {
      what: "a claim that is aud",
      change: { claims: { sub: "a", aud: "b" } },
      says: "claim 2 is one",
    },
    { what: "a claim that is iss", change: { claims: { iss: "b" } }, says: "claim 1 is one" },
    { what: "an empty list", change: { claims: { sub: [] } }, says: "claim 1 is an empty list" },
    { what: "a number", change: { claims: { sub: 1 } }, says: "claim 1 is not text" },
    { what: "a nested list", change: { claims: { sub: [["a"]] } }, says: "claim 1 is not text" },
    { what: "two stars", change: { claims: { sub: "a/**" } }, says: "claim 1 contains **" },
    {
      what: "a claim without a name",
      change: { claims: { "": "a" } },
      says: "claim 1 needs a name of 1 to 128",
    },
    {
      what: "a claim that is only *",
      change: { claims: { sub: "*" } },
      says: "accepts every token",
    },
    {
      what: "claims that are only * and punctuation",
      change: { claims: { sub: ["*/*", "*:*"], azp: "*" } },
      says: "accepts every token",
    },
    {
      what: "a list that holds *",
      change: { claims: { sub: ["system:a", "*"] } },
      says: "accepts every token",
    },
  ])("refuses an entry with $what, by its place", ({ change, says }) => {
    expect(problemOf(OTHER)).toBeUndefined();
    expect(problemOf(OTHER, { ...OTHER, ...change })).toMatch(
      new RegExp(`^entry 2 ${says.replaceAll("*", "\\*")}`),
    );
  });

  it.each([
    { what: "loopback", issuer: "http://127.0.0.1:8080" },
    { what: "a path", issuer: "https://issuer.example.org/realms/ci" },
    { what: "a final slash", issuer: "https://tenant.example.org/" },
  ])("takes an issuer with $what as it is written", ({ issuer }) => {
    const parsed = parseOidcTrust(JSON.stringify([{ ...OTHER, issuer }]));
    expect(parsed).toMatchObject({ ok: true, value: [{ issuer }] });
  });
});

describe("an entry for GitHub", () => {
  const LACKS_ID =
    "entry 1 needs the claim repository_id or repository_owner_id with digits, because another person can take over a name";
  const ADMITS_TARGET =
    "entry 1 gives the scope push to pull_request_target, which strangers can start: list other events in the claim event_name, such as push, schedule, workflow_dispatch";
  const event_name = "push";

  it.each([
    { what: "names alone", claims: { repository: "octo-org/octo-repo", event_name } },
    { what: "an owner's name", claims: { repository_owner: "octo-org", event_name } },
    { what: "a subject", claims: { sub: "repo:octo-org/octo-repo:*", event_name } },
    { what: "a pattern for the id", claims: { repository_id: "*", event_name } },
    { what: "a pattern of digits", claims: { repository_id: "7*", event_name } },
    { what: "one good id and one pattern", claims: { repository_id: ["74", "*"], event_name } },
    { what: "another id", claims: { enterprise_id: "1", event_name } },
  ])("is refused with $what", ({ claims }) => {
    expect(problemOf({ ...GITHUB, claims })).toBe(LACKS_ID);
    expect(problemOf({ ...GITHUB, claims, scopes: ["read"] })).toBe(LACKS_ID);
  });

  it.each([
    { what: "no event_name", claims: { repository_id: "74" } },
    { what: "any", claims: { repository_id: "74", event_name: "*" } },
    { what: "a pattern", claims: { repository_id: "74", event_name: ["push", "pull_request*"] } },
    { what: "it by name", claims: { repository_id: "74", event_name: "pull_request_target" } },
  ])("that earns push is refused with an event_name that admits $what", ({ claims }) => {
    expect(problemOf({ ...GITHUB, claims })).toBe(ADMITS_TARGET);
    expect(problemOf({ ...GITHUB, claims, scopes: ["read"] })).toBeUndefined();
  });

  it.each([
    { what: "a repository's id", claims: { repository_id: "74", event_name } },
    { what: "an owner's id", claims: { repository_owner_id: ["65", "66"], event_name } },
    {
      what: "an owner's id and any repository of a kind",
      claims: { repository_owner_id: "65", repository: "octo-org/nix-*", event_name },
    },
  ])("is taken with $what", ({ claims }) => {
    expect(problemOf({ ...GITHUB, claims })).toBeUndefined();
  });

  it.each([
    "https://token.actions.githubusercontent.com/octo-enterprise",
    "https://token.actions.octo.ghe.com",
    "https://github.example.org/_services/token",
    "https://forgejo.example.org/api/actions",
  ])("is one wherever the issuer is: %s", (issuer) => {
    const claims = { repository: "octo-org/octo-repo", event_name };
    expect(problemOf({ ...GITHUB, issuer, claims })).toBe(LACKS_ID);
  });
});

describe("an entry for GitLab", () => {
  it.each([
    { what: "a path", issuer: GITLAB.issuer, claims: { project_path: "group/project" } },
    { what: "a subject", issuer: GITLAB.issuer, claims: { sub: "project_path:group/project:*" } },
    { what: "any project", issuer: GITLAB.issuer, claims: { project_id: "*" } },
    { what: "a user", issuer: GITLAB.issuer, claims: { user_login: "me" } },
    {
      what: "a path, elsewhere",
      issuer: "https://gitlab.example.org",
      claims: { namespace_path: "group" },
    },
  ])("is refused with $what", ({ issuer, claims }) => {
    expect(problemOf({ ...GITLAB, issuer, claims })).toBe(
      "entry 1 needs the claim project_id or namespace_id with digits, because another person can take over a name",
    );
  });

  it.each([{ claims: GITLAB.claims }, { claims: { namespace_id: ["72", "73"] } }])(
    "is taken with an id",
    ({ claims }) => {
      expect(problemOf({ ...GITLAB, claims })).toBeUndefined();
    },
  );
});

describe("the problems of parseOidcTrust", () => {
  it("never show a value", () => {
    const values = fc
      .string({ unit: fc.constantFrom(..."abcXYZ019*/:"), minLength: 12 })
      .map((text) => `secret${text}`);
    const places = fc.constantFrom("issuer", "audience", "scopes", "other");
    fc.assert(
      fc.property(places, values, (field, value) => {
        const entries = [
          { ...GITHUB, [field]: value },
          { ...GITHUB, claims: { [value]: "**" } },
          { ...GITHUB, claims: { repository: value } },
        ];
        for (const entry of entries) expect(problemOf(entry)).not.toContain("secret");
      }),
    );
  });
});
