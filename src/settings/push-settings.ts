import { parseSecretKey, type PublicKey, type SecretKey } from "../nix/signature.ts";
import { parsePublicKeys } from "./read-settings.ts";
import { oneOf, type SettingReader } from "./setting-reader.ts";

/** The settings that decide which pushes are accepted. */
export interface PushSettings {
  /** If set, the gateway signs every path that is pushed. */
  readonly signingKey: SecretKey | undefined;
  /** If not empty, every pushed path needs a valid signature by one of these keys. */
  readonly trustedPublicKeys: readonly PublicKey[];
  /** The answer to other contents for a published path: "keep" answers 200 and logs it, "refuse" answers 409. */
  readonly onConflict: "keep" | "refuse";
}

export const PUSH_SETTINGS = ["SIGNING_KEY", "TRUSTED_PUBLIC_KEYS", "ON_CONFLICT"] as const;

export function readPushSettings(reader: SettingReader): PushSettings {
  return {
    signingKey: reader.optional("SIGNING_KEY", undefined, parseSecretKey),
    trustedPublicKeys: reader.optional("TRUSTED_PUBLIC_KEYS", [], parsePublicKeys),
    onConflict: reader.optional("ON_CONFLICT", "keep", oneOf(["keep", "refuse"] as const)),
  };
}
