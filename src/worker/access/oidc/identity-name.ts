import type { JWTPayload } from "jose";
import { forgeOf } from "../../../settings/oidc/git-forge.ts";
import { claimText } from "./match-claims.ts";
import type { OidcTrust } from "../../../settings/oidc/oidc-trust.ts";

// What OpenID Connect allows a subject.
const MAX_SUBJECT_LENGTH = 255;

/**
 * Who a token stands for: `github:owner/repository`, the same in every run, or
 * the subject of any other issuer below its host. No name of TOKENS has a colon,
 * so the two cannot be taken for each other.
 */
export function formatIdentityName(payload: JWTPayload, entry: OidcTrust): string {
  const forge = forgeOf(entry);
  const { host } = new URL(entry.issuer);
  const isPublicForge = host === "token.actions.githubusercontent.com" || host === "gitlab.com";
  const authority = isPublicForge && forge !== undefined ? forge.name : host;
  const repository = forge === undefined ? undefined : claimText(payload, forge.repositoryClaim);
  const subject = repository ?? claimText(payload, "sub") ?? "";
  return `${authority}:${subject.replace(/[^\x21-\x7e]/g, "?").slice(0, MAX_SUBJECT_LENGTH)}`;
}
