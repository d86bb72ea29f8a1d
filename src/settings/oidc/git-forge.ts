import { matchesClaimPattern, type OidcTrust } from "./oidc-trust.ts";

/**
 * A kind of forge. On a forge, the names of repositories and owners are
 * identities, and another person can take over a name that becomes free.
 */
export interface GitForge {
  /** The forge's name in logs, if the issuer is the forge's public service. */
  readonly name: "github" | "gitlab";
  /** The claims with the numeric ids of a repository and its owner. A new owner of a name has other ids. */
  readonly idClaims: readonly string[];
  /** The claim with the repository's name, for logs. */
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
 * Returns the forge whose tokens an entry accepts. Returns `undefined` for
 * issuers that are no forge.
 *
 * GitHub Enterprise, GitLab and Forgejo can run on any host. So an entry that
 * names claims of a forge must follow the rules for that forge, on any host.
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

/**
 * Returns why an entry accepts more tokens than its author can have wanted, as a
 * predicate without a subject. Returns `undefined` if the entry is safe.
 */
export function describeHole(trust: OidcTrust): string | undefined {
  const { claims, scopes } = trust;
  const forge = forgeOf(trust);
  if (forge === undefined) {
    return [...claims.values()].some((patterns) => patterns.every(saysSomething))
      ? undefined
      : "accepts every token of its issuer: for a claim such as sub, write a pattern that is more than *";
  }
  if (!forge.idClaims.some((name) => claims.get(name)?.every(isId) ?? false)) {
    return `needs the claim ${forge.idClaims.join(" or ")} with digits, because another person can take over a name`;
  }
  // Any stranger can start a pull_request_target workflow by opening a pull
  // request. It runs with the identity of the base repository, and it often
  // checks out and runs the stranger's code.
  if (forge === GITHUB && scopes.includes("push") && admits(claims, "pull_request_target")) {
    return "gives the scope push to pull_request_target, which strangers can start: list other events in the claim event_name, such as push, schedule, workflow_dispatch";
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
