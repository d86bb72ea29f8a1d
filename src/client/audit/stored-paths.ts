import { MAX_STORED_NARINFO_BYTES, type Narinfo } from "../../nix/narinfo.ts";
import { narinfoKey, parseNarUrl } from "../../nix/object-key.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { BucketReader } from "../bucket/bucket-reader.ts";
import { ClientError } from "../client-error.ts";
import type { PublishedNarinfo } from "../gateway/cache-client.ts";
import { lookAtNar, type NarState } from "../gateway/look-at-nar.ts";
import { parseStoredNarinfo } from "../gateway/narinfo-text.ts";
import type { OpenCache } from "../gateway/open-cache.ts";
import { startDownload } from "../gateway/start-download.ts";
import type { ProcessContext } from "../process-context.ts";
import type { NarSource } from "../prove/file-hash.ts";
import { findNar } from "./nar-table.ts";

/** Reads the paths of a cache as they are stored now. */
export interface StoredPaths extends NarSource {
  /** Returns the narinfo in the bucket, never one that the edge keeps. Throws if it is malformed. */
  read(hash: StorePathHash): Promise<PublishedNarinfo>;
  findNar(narinfo: Narinfo): Promise<NarState>;
}

/** Reads past the gateway. */
export function createBucketPaths(bucket: BucketReader, storeDir: string): StoredPaths {
  return {
    async read(hash) {
      const { path } = narinfoKey(hash);
      const body = await bucket.read(path, MAX_STORED_NARINFO_BYTES);
      if (body === undefined) return undefined;
      const narinfo = parseStoredNarinfo(body, storeDir);
      if (!narinfo.ok) throw new ClientError(`its narinfo is malformed: ${narinfo.error}`);
      return narinfo.value;
    },
    findNar: (narinfo) => findNar(narinfo, undefined, bucket),
    download: async ({ url }) => await bucket.download(narPath(url)),
  };
}

/** Reads through the gateway, by its push token. The edge may answer for a NAR. */
export function createCachePaths(
  { client, token }: Pick<OpenCache, "client" | "token">,
  storeDir: string,
  context: ProcessContext,
): StoredPaths {
  return {
    read: (hash) => client.readNarinfo(hash, storeDir, true),
    findNar: (narinfo) => lookAtNar(narinfo, client),
    async download({ url }) {
      const headers = {
        "user-agent": "nargate",
        ...(token === undefined ? {} : { authorization: `Bearer ${token.token}` }),
      };
      return await startDownload({ url: `${client.url}/${narPath(url)}`, headers }, context);
    },
  };
}

function narPath(url: string): string {
  const key = parseNarUrl(url);
  if (!key.ok) throw new ClientError(`its NAR lies outside nar/`);
  return key.value.path;
}
