import type { StorePathHash } from "../../nix/store-path.ts";
import { ClientError } from "../client-error.ts";
import { createCacheClient } from "../gateway/cache-client.ts";
import { createHttpClient } from "../gateway/http-client.ts";
import { parseCacheUrl } from "../gateway/open-cache.ts";
import type { ProcessContext } from "../process-context.ts";

/** Another cache, from which clients may get references. */
export interface Upstream {
  /** Throws `ClientError` if the cache does not say yes or no. */
  has(hash: StorePathHash): Promise<boolean>;
}

/** Nix takes these answers for "not there" (libstore/filetransfer.cc), and S3 gives 403 for it. */
const ABSENT = new Set([403, 404, 410]);

/** Asks a public cache, without a token. Throws `UsageError` for a text that is no URL. */
export function createUpstream(text: string, context: ProcessContext): Upstream {
  const url = parseCacheUrl(text);
  const client = createCacheClient(url, async () => undefined, createHttpClient(context));
  return {
    async has(hash) {
      const { status } = await client.send({ method: "HEAD", target: `${hash}.narinfo` });
      if (status === 200) return true;
      if (ABSENT.has(status)) return false;
      throw new ClientError(`the upstream ${new URL(url).host} answered ${status} for ${hash}`);
    },
  };
}
