import type { Gateway } from "../gateway.ts";
import { formatPublicKey, publicKeyOf } from "../../nix/signature.ts";

/** PUBLIC_KEYS, and the public half of the gateway's own signing key. */
export function publishedKeys({ config }: Gateway): string[] {
  const keys = config.reads.ok ? config.reads.value.publicKeys.map(formatPublicKey) : [];
  const signingKey = config.writes.ok ? config.writes.value.signingKey : undefined;
  if (signingKey !== undefined) keys.push(formatPublicKey(publicKeyOf(signingKey)));
  return [...new Set(keys)];
}
