import type { JWTPayload } from "jose";
import { matchesClaimPattern, type OidcTrust } from "../../../settings/oidc/oidc-trust.ts";
import { showValue } from "./oidc-refusal.ts";

/**
 * The claims in which a token is not what an entry asks for, each with what the
 * token has instead: `event_name (pull_request_target)`. None: it matches.
 * Claims that the entry does not name make no difference.
 */
export function findMismatches(payload: JWTPayload, { claims }: OidcTrust): readonly string[] {
  return [...claims].flatMap(([name, patterns]) => {
    const text = claimText(payload, name);
    const isMatch =
      text !== undefined && patterns.some((pattern) => matchesClaimPattern(pattern, text));
    return isMatch ? [] : [`${name} (${describeClaim(payload, name)})`];
  });
}

/** The mismatches with the entry that comes nearest; what a person can make sense of. */
export function nearestMismatches(
  payload: JWTPayload,
  entries: readonly OidcTrust[],
): readonly string[] {
  const [nearest = []] = entries
    .map((entry) => findMismatches(payload, entry))
    .toSorted((left, right) => left.length - right.length);
  return nearest;
}

/**
 * What a claim is compared by. A whole number or a boolean is its JSON text;
 * a list, an object or a number that was rounded never matches.
 */
export function claimText(payload: JWTPayload, name: string): string | undefined {
  const value = Object.hasOwn(payload, name) ? payload[name] : undefined;
  if (typeof value === "string") return value;
  if (typeof value === "boolean" || Number.isSafeInteger(value)) return String(value);
  return undefined;
}

function describeClaim(payload: JWTPayload, name: string): string {
  if (!Object.hasOwn(payload, name)) return "absent";
  return showValue(claimText(payload, name) ?? "not text");
}
