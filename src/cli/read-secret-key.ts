import { createReadStream } from "node:fs";
import path from "node:path";
import { UsageError } from "../client/client-error.ts";
import type { ProcessContext } from "../client/process-context.ts";
import { hasMatchingPublicKey, parseSecretKey, type SecretKey } from "../nix/signature.ts";

/** A key has some hundred bytes. A wrong name, such as /dev/zero, must not fill the memory. */
const MAX_KEY_BYTES = 64 * 1024;

/**
 * Reads a secret key in Nix's format. `file` is a file, `-` for standard input, or a pipe
 * such as /dev/fd/3, so the key need never be on a disk. `flag` names the option in
 * messages. Throws `UsageError`, which never quotes the contents.
 */
export async function readSecretKey(
  flag: string,
  file: string,
  { cwd, stdin }: Pick<ProcessContext, "cwd" | "stdin">,
): Promise<SecretKey> {
  const source = file === "-" ? stdin : createReadStream(path.resolve(cwd, file));
  const name = file === "-" ? "standard input" : file;
  let text: string;
  try {
    text = await readBounded(source);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(`cannot read ${flag} ${file}: ${(error as NodeJS.ErrnoException).code}`);
  }
  const key = parseSecretKey(text.trim());
  if (!key.ok) throw new UsageError(`${flag}: ${name} ${key.error}`);
  if (!(await hasMatchingPublicKey(key.value))) {
    throw new UsageError(
      `${flag}: ${name} is damaged: its secret half and its public half do not match`,
    );
  }
  return key.value;
}

async function readBounded(source: AsyncIterable<Uint8Array | string>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk);
    size += bytes.byteLength;
    if (size > MAX_KEY_BYTES) throw new UsageError("the key file is too long to be a secret key");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}
