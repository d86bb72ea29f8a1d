import { createHash } from "node:crypto";
import { equalHashes, type Hash } from "../../nix/hash.ts";
import type { Narinfo } from "../../nix/narinfo.ts";
import { narSha256, parseNarUrl } from "../../nix/object-key.ts";
import { ClientError } from "../client-error.ts";
import type { Download } from "../gateway/start-download.ts";

/** A source of NAR files. */
export interface NarSource {
  /** Starts to read the NAR file. Throws `ClientError` if it lies outside `nar/`. */
  download(narinfo: Narinfo): Promise<Download>;
}

/**
 * Returns what is wrong with the SHA-256 of a NAR file, for people: FileHash or the name of
 * the file says another hash. Returns undefined if neither does. Clients look at neither.
 */
export function findFalseHash(narinfo: Narinfo, digest: Uint8Array): string | undefined {
  if (!hasHashOfName(narinfo, digest)) return "its file has not the hash that is its name";
  const { fileHash } = narinfo;
  const hash: Hash = { algorithm: "sha256", bytes: digest };
  const isFalse = fileHash?.algorithm === "sha256" && !equalHashes(fileHash, hash);
  return isFalse ? "its file has not the hash FileHash" : undefined;
}

/** Whether the name of the NAR file promises this SHA-256, or none. */
function hasHashOfName({ url }: Narinfo, digest: Uint8Array): boolean {
  const key = parseNarUrl(url);
  const promised = key.ok ? narSha256(key.value) : undefined;
  return promised === undefined || promised === Buffer.from(digest).toString("hex");
}

/**
 * Downloads a NAR file, and returns whether its bytes hash to its name. A name that promises
 * no hash counts as kept. Throws if the file does not arrive whole.
 */
export async function keepsItsName(narinfo: Narinfo, source: NarSource): Promise<boolean> {
  const download = await source.download(narinfo);
  try {
    if (download.status !== 200) {
      throw new ClientError(`the answer to its NAR was ${download.status}`);
    }
    const hash = createHash("sha256");
    for await (const chunk of download.body) hash.update(chunk);
    return hasHashOfName(narinfo, hash.digest());
  } finally {
    download.cancel();
  }
}
