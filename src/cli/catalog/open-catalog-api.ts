import { ClientError } from "../../client/client-error.ts";
import type { CacheClient } from "../../client/gateway/cache-client.ts";
import { type CatalogApi, createCatalogApi } from "../../client/gateway/catalog-api.ts";
import { readGatewayFacts } from "../../client/gateway/gateway-facts.ts";
import { type CacheOptions, openCache } from "../../client/gateway/open-cache.ts";
import type { ProcessContext } from "../../client/process-context.ts";

export interface OpenCatalogApi {
  readonly catalog: CatalogApi;
  /** For further questions to the same cache. */
  readonly client: CacheClient;
  readonly url: string;
  readonly storeDir: string;
}

/** Opens the catalog of a cache. Throws a `ClientError` if there is no token: the catalog is for pushers. */
export async function openCatalogApi(
  options: CacheOptions,
  context: ProcessContext,
): Promise<OpenCatalogApi> {
  const { firstContact, token } = await openCache(options, context);
  if (token === undefined) {
    throw new ClientError(
      `the catalog needs a token with the scope push, and there is none for ${new URL(firstContact.url).hostname}: set NARGATE_TOKEN, use --token-file, or put the token into a netrc file`,
    );
  }
  const { storeDir } = await readGatewayFacts(firstContact);
  return {
    catalog: createCatalogApi(firstContact),
    client: firstContact,
    url: firstContact.url,
    storeDir,
  };
}
