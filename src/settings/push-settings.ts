import { parseSecretKey, type PublicKey, type SecretKey } from "../nix/signature.ts";
import { ok, type Result } from "../result.ts";
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
  /**
   * What is proved of a NAR before its path is published: "file" is its FileHash alone,
   * "contents" is also the NarHash and NarSize of the narinfo.
   */
  readonly prove: "file" | "contents";
}

/** The value of SIGNING_KEY that says on purpose that the gateway does not sign. */
export const NO_SIGNING_KEY = "none";

export const PUSH_SETTINGS = [
  "SIGNING_KEY",
  "TRUSTED_PUBLIC_KEYS",
  "ON_CONFLICT",
  "PROVE",
] as const;

export function readPushSettings(reader: SettingReader): PushSettings {
  return {
    signingKey: reader.optional("SIGNING_KEY", undefined, parseSigningKey),
    trustedPublicKeys: reader.optional("TRUSTED_PUBLIC_KEYS", [], parsePublicKeys),
    onConflict: reader.optional("ON_CONFLICT", "keep", oneOf(["keep", "refuse"] as const)),
    prove: reader.optional("PROVE", "file", oneOf(["file", "contents"] as const)),
  };
}

function parseSigningKey(text: string): Result<SecretKey | undefined> {
  return text === NO_SIGNING_KEY ? ok(undefined) : parseSecretKey(text);
}
