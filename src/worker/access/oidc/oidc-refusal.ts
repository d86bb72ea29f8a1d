import { errors } from "jose";
import { CacheError } from "../../cache-error.ts";
import type { FailureCode } from "../../../api/failures/failures.ts";

/** A refusal with what ends its line: a value of the client's own token, or a setting that is public. */
export function refuse(code: FailureCode, subject: string, cause?: unknown): CacheError {
  return new CacheError(code, subject, { subject: `${subject}.`, cause });
}

/** The line for what `jwtVerify` threw. It checks the signature before any claim. */
export function refusalOf(error: unknown, audience: readonly string[]): CacheError {
  if (error instanceof errors.JWTExpired) {
    return refuse("oidc-expired", formatTime(error.payload.exp));
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const { claim, reason, payload } = error;
    if (claim === "aud") {
      return refuse(
        "oidc-audience",
        `${audience.join(" or ")} (this one has ${showValue(payload.aud)})`,
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
    return refuse("oidc-malformed", "it is not a plain JWT", error);
  }
  return new CacheError("oidc-signature", "the signature is false", { cause: error });
}

const MAX_SHOWN_LENGTH = 80;

/** A value of a token, short; whoever answers with it makes it printable. */
export function showValue(value: unknown): string {
  if (value === undefined) return "none";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_SHOWN_LENGTH ? `${text.slice(0, MAX_SHOWN_LENGTH)}...` : text;
}

function formatTime(seconds: number | undefined): string {
  const time = new Date((seconds ?? NaN) * 1000);
  return Number.isNaN(time.getTime()) ? "no time" : time.toISOString().replace(/\.\d+/, "");
}
