import { matchesClaimPattern, type OidcTrust } from "./oidc-trust.ts";

/** A forge has identities that are names, and names can be taken over. */
export interface GitForge {
  /** How its own service is called in logs. */
  readonly name: "github" | "gitlab";
  /** The claims that stay with a repository or its owner when names change hands. */
  readonly idClaims: readonly string[];
  /** The claim with the repository's name, for people. */
  readonly repositoryClaim: string;
}

const GITHUB: GitForge = {
  name: "github",
  idClaims: ["repository_id", "repository_owner_id"],
  repositoryClaim: "repository",
};

const GITLAB: GitForge = {
  name: "gitlab",
  idClaims: ["project_id", "namespace_id"],
  repositoryClaim: "project_path",
};

/**
 * Whose tokens an entry is about. GitHub Enterprise, GitLab and Forgejo run
 * under any host, so an entry that speaks of their claims is held to their rules.
 */
export function forgeOf({ issuer, claims }: OidcTrust): GitForge | undefined {
  const { hostname, pathname } = new URL(issuer);
  if (
    hostname === "token.actions.githubusercontent.com" ||
    hostname.endsWith(".ghe.com") ||
    pathname.endsWith("/_services/token") ||
    speaksOf(claims, ["repository", "repository_owner", ...GITHUB.idClaims], "repo:")
  ) {
    return GITHUB;
  }
  return hostname === "gitlab.com" ||
    speaksOf(claims, ["project_path", "namespace_path", ...GITLAB.idClaims], "project_path:")
    ? GITLAB
    : undefined;
}

function speaksOf(claims: OidcTrust["claims"], names: readonly string[], subject: string) {
  const subjects = claims.get("sub") ?? [];
  return (
    names.some((name) => claims.has(name)) ||
    subjects.some((pattern) => pattern.startsWith(subject))
  );
}

/** Why an entry would let in more than whoever wrote it can have meant. */
export function describeHole(trust: OidcTrust): string | undefined {
  const { claims, scopes } = trust;
  const forge = forgeOf(trust);
  if (forge === undefined) {
    return [...claims.values()].some((patterns) => patterns.every(saysSomething))
      ? undefined
      : "admits every token of its issuer: constrain a claim, such as sub, with more than *";
  }
  if (!forge.idClaims.some((name) => claims.get(name)?.every(isId) ?? false)) {
    return `lacks ${forge.idClaims.join(" or ")} as digits: names can be taken over`;
  }
  // It runs with the base repository's identity, on the word of whoever opened
  // the pull request, whose code such a workflow often checks out.
  if (forge === GITHUB && scopes.includes("push") && admits(claims, "pull_request_target")) {
    return "earns push, and lacks an event_name that leaves out pull_request_target: list push, schedule, workflow_dispatch";
  }
  return undefined;
}

function admits(claims: OidcTrust["claims"], event: string): boolean {
  const patterns = claims.get("event_name");
  return patterns?.some((pattern) => matchesClaimPattern(pattern, event)) ?? true;
}

function saysSomething(pattern: string): boolean {
  return /[\p{L}\p{N}]/u.test(pattern);
}

function isId(pattern: string): boolean {
  return /^\d+$/.test(pattern);
}
