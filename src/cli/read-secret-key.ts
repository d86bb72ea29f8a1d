import { UsageError } from "../client/client-error.ts";
import type { ProcessContext } from "../client/process-context.ts";
import { readGivenFile } from "../client/read-given-file.ts";
import { hasMatchingPublicKey, parseSecretKey, type SecretKey } from "../nix/signature.ts";

/**
 * Reads the secret key in the file that a flag names; `-` is standard input. Throws
 * `UsageError` if the file cannot be read or holds no sound key. No message shows the
 * text of the file.
 */
export async function readSecretKey(
  flag: string,
  file: string,
  context: ProcessContext,
): Promise<SecretKey> {
  const text = await readGivenFile(flag, file, context);
  if (text === "") {
    throw new UsageError(
      `${flag} ${file} is empty. If another command writes the key, check that this command succeeds`,
    );
  }
  const key = parseSecretKey(text);
  if (!key.ok) throw new UsageError(`${flag} ${file} ${key.error}`);
  if (!(await hasMatchingPublicKey(key.value))) {
    throw new UsageError(
      `${flag} ${file} is damaged: its secret half and its public half do not match`,
    );
  }
  return key.value;
}
