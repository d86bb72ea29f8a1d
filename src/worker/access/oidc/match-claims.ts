import type { JWTPayload } from "jose";
import { matchesClaimPattern, type OidcTrust } from "../../../settings/oidc/oidc-trust.ts";
import { forgeOf } from "../../../settings/oidc/git-forge.ts";
import { showValue } from "./oidc-refusal.ts";

/**
 * Returns the claims in which a token differs from an entry, each with the value
 * that the token has instead: `event_name (pull_request_target)`. An empty list
 * means that the token matches. Claims that the entry does not name make no
 * difference.
 */
export function findMismatches(payload: JWTPayload, { claims }: OidcTrust): readonly string[] {
  return [...claims].flatMap(([name, patterns]) => {
    const text = claimText(payload, name);
    const isMatch =
      text !== undefined && patterns.some((pattern) => matchesClaimPattern(pattern, text));
    return isMatch ? [] : [`${name} (${describeClaim(payload, name)})`];
  });
}

/**
 * Returns the mismatches with the entry that has the fewest. This is most likely
 * the entry that was written for the token, so its mismatches help a person most.
 */
export function nearestMismatches(
  payload: JWTPayload,
  entries: readonly OidcTrust[],
): readonly string[] {
  const [nearest = []] = entries
    .map((entry) => findMismatches(payload, entry))
    .toSorted((left, right) => left.length - right.length);
  return nearest;
}

// The longest subject that OpenID Connect allows (Core 1.0, section 2).
const MAX_SUBJECT_LENGTH = 255;

/**
 * Returns the name of a token's holder for logs. For a forge it is
 * `github:owner/repository`, the same in every run. For other issuers it is
 * `<host and path of the issuer>:<subject>`: one host may have many issuers, such as
 * the realms of Keycloak, and each has a subject of the same name. No name in TOKENS
 * has a colon, so a log reader cannot confuse the two kinds of names.
 */
export function formatIdentityName(payload: JWTPayload, entry: OidcTrust): string {
  const forge = forgeOf(entry);
  const { host, pathname } = new URL(entry.issuer);
  const isPublicForge = host === "token.actions.githubusercontent.com" || host === "gitlab.com";
  const issuer = forge === undefined ? host + pathname.replace(/\/+$/, "") : host;
  const authority = isPublicForge && forge !== undefined ? forge.name : issuer;
  const repository = forge === undefined ? undefined : claimText(payload, forge.repositoryClaim);
  const subject = repository ?? claimText(payload, "sub") ?? "";
  return `${authority}:${subject.replace(/[^\x21-\x7e]/g, "?").slice(0, MAX_SUBJECT_LENGTH)}`;
}

/** The claims of GitHub, Forgejo and GitLab that say which run of which commit sent a token. */
const RUN_CLAIMS = [
  "repository",
  "project_path",
  "ref",
  "sha",
  "event_name",
  "actor",
  "user_login",
  "workflow",
  "job_workflow_ref",
  "pipeline_source",
  "run_id",
  "run_number",
  "run_attempt",
  "pipeline_id",
  "job_id",
] as const;

/** Git allows refs of 4,096 bytes; the first 200 characters tell them apart. */
const MAX_CLAIM_LENGTH = 200;

/** Returns what a token says about its run. The texts are the issuer's, so they are cleaned where they are shown. */
export function runClaims(payload: JWTPayload): Readonly<Record<string, string>> {
  return Object.fromEntries(
    RUN_CLAIMS.flatMap((name) => {
      const text = claimText(payload, name);
      return text === undefined ? [] : [[name, text.slice(0, MAX_CLAIM_LENGTH)]];
    }),
  );
}

/**
 * Returns the text of a claim for comparison: a string itself, and a whole number
 * or a boolean as its JSON text. Returns `undefined`, which never matches, for a
 * list, an object, a missing claim, and a number that is not a safe integer.
 */
function claimText(payload: JWTPayload, name: string): string | undefined {
  const value = Object.hasOwn(payload, name) ? payload[name] : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  return undefined;
}

function describeClaim(payload: JWTPayload, name: string): string {
  if (!Object.hasOwn(payload, name)) return "absent";
  return showValue(claimText(payload, name) ?? "not text");
}
