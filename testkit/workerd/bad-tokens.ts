import { CompactSign } from "jose";
import type { Claims } from "../fake-issuer.ts";

/** Tokens as an attacker makes them, who has everything but the issuer's private key. */

/** With the algorithm "none", and so without a signature. */
export function unsignedToken(claims: Claims, header: Claims = { alg: "none" }): string {
  return `${encode({ typ: "JWT", kid: "key-1", ...header })}.${encode(claims)}.`;
}

/** Key confusion: an HMAC with the text of the public key, which everyone has, for a secret. */
export async function confusedToken(claims: Claims, publicKey: string): Promise<string> {
  return await new CompactSign(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "HS256", typ: "JWT", kid: "key-1" })
    .sign(new TextEncoder().encode(publicKey));
}

/** `token` with other claims under its signature. */
export function withClaims(token: string, claims: Claims): string {
  const [header, , signature] = token.split(".");
  return `${header}.${encode(claims)}.${signature}`;
}

function encode(value: unknown): string {
  return new TextEncoder()
    .encode(JSON.stringify(value))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}
