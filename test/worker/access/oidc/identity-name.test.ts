import { describe, expect, it } from "vitest";
import { createFakeIssuer, GITHUB_CLAIMS } from "../../../../testkit/fake-issuer.ts";
import { AUDIENCE, identityOf, startVerifier } from "../../../../testkit/workerd/oidc-verifier.ts";

describe("the name of an OIDC token's holder", () => {
  it.each([
    {
      what: "GitHub",
      issuer: "https://token.actions.githubusercontent.com",
      claims: { repository_id: "74", event_name: "push" },
      token: GITHUB_CLAIMS,
      name: "github:octo-org/octo-repo",
    },
    {
      what: "GitHub Enterprise",
      issuer: "https://ghe.example.org/_services/token",
      claims: { repository_id: "74", event_name: "push" },
      token: GITHUB_CLAIMS,
      name: "ghe.example.org:octo-org/octo-repo",
    },
    {
      what: "GitLab",
      issuer: "https://gitlab.com",
      claims: { project_id: "22" },
      token: {
        sub: "project_path:my-group/sub/project:ref_type:branch:ref:main",
        project_id: "22",
        project_path: "my-group/sub/project",
      },
      name: "gitlab:my-group/sub/project",
    },
    {
      what: "another issuer, whatever it says of repositories",
      issuer: "https://agent.example.org",
      claims: { sub: "organization:acme:*" },
      token: { sub: "organization:acme:pipeline", repository: "octo-org/octo-repo" },
      name: "agent.example.org:organization:acme:pipeline",
    },
    {
      what: "a realm of an issuer that shares its host with other realms",
      issuer: "https://login.example.org/realms/build/",
      claims: { sub: "service-account-ci" },
      token: { sub: "service-account-ci" },
      name: "login.example.org/realms/build:service-account-ci",
    },
    {
      what: "another issuer, with a subject that a log could not show",
      issuer: "https://agent.example.org",
      claims: { job: "a*" },
      token: { sub: `x\n ${"y".repeat(300)}`, job: "a" },
      name: `agent.example.org:x??${"y".repeat(252)}`,
    },
  ])("is of $what", async ({ issuer: url, claims, token, name }) => {
    const issuer = await createFakeIssuer(url);
    const trust = [{ issuer: url, audience: AUDIENCE, claims, scopes: ["push"] }];
    const { verify } = await startVerifier({ issuer, trust });
    const signed = await issuer.sign({ ...token, aud: AUDIENCE });
    expect(identityOf(await verify(signed)).name).toBe(name);
  });
});
