import { errors } from "jose";
import { CacheError } from "../../cache-error.ts";
import type { FailureCode } from "../../../api/failures/failures.ts";

/**
 * Returns the refusal of an OIDC token. `subject` continues the public sentence
 * of `code`, and a full stop is added. It holds only values of the client's own
 * token, or a setting that is public.
 */
export function refuse(code: FailureCode, subject: string, cause?: unknown): CacheError {
  return new CacheError(code, subject, { subject: `${subject}.`, cause });
}

/**
 * Returns the refusal for an error that `jwtVerify` threw. `jwtVerify` checks the
 * signature before any claim, so a refusal that shows a claim is about a token
 * with a good signature. `audience` lists the audiences that this cache accepts.
 */
export function refusalOf(error: unknown, audience: readonly string[]): CacheError {
  if (error instanceof errors.JWTExpired) {
    return refuse("oidc-expired", formatTime(error.payload.exp));
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason, payload } = error;
    if (claim === "aud") {
      return refuse(
        "oidc-audience",
        `${audience.join(" or ")} (this token has ${showValue(payload.aud)})`,
      );
    }
    if (claim === "nbf" && reason === "check_failed") {
      return refuse("oidc-not-yet", formatTime(payload.nbf));
    }
    return refuse("oidc-malformed", `${claim} is ${reason}`);
  }
  if (
    error instanceof errors.JWTInvalid ||
    error instanceof errors.JWSInvalid ||
    error instanceof errors.JOSENotSupported
  ) {
    return refuse(
      "oidc-malformed",
      "its header or its claims are malformed or not supported",
      error,
    );
  }
  return new CacheError("oidc-signature", "the signature is wrong", { cause: error });
}

const MAX_SHOWN_LENGTH = 80;

/**
 * Returns a value of a token as a text of at most 80 characters, and "..." if the
 * value is longer. The text may hold unprintable characters:
 * `failure-response.ts` replaces them in an answer.
 */
export function showValue(value: unknown): string {
  if (value === undefined) return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text;
}

function formatTime(seconds: number | undefined): string {
  const time = new Date((seconds ?? NaN) * 1000);
  return Number.isNaN(time.getTime()) ? "no time" : time.toISOString().replace(/\.\d+/, "");
}
