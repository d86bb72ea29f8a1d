import {
  MAX_BATCHED_NAR_BYTES,
  MAX_MISSING_HASHES,
  NARINFOS_AT_ONCE,
  PROVED_NARINFOS_AT_ONCE,
} from "../../../api/batches.ts";
import { PART_SIZE_THRESHOLD_BYTES } from "../../../api/direct-uploads.ts";
import { VERSION } from "../../../api/endpoints.ts";
import type { GatewayFacts, TokenAnswer } from "../../../api/answers.ts";
import { formatPublicKey, publicKeyOf } from "../../../nix/signature.ts";
import type { CacheScope } from "../../caches/cache-scope.ts";
import { admitHolder, findTokenEntry } from "../admit.ts";
import { cacheReads, type Exchange } from "../exchange.ts";
import { answerJson } from "./api-request.ts";

/** GET `/api/v1/cache`, to everyone: the facts that a client needs to use this cache. */
export function readCacheFacts(exchange: Exchange): Response {
  const { storeDir, priority, isPrivate } = cacheReads(exchange);
  const { pushes, tokens, oidcTrust } = exchange.cache;
  const proves = pushes.ok ? pushes.value.prove : "file";
  const narinfos = proves === "contents" ? PROVED_NARINFOS_AT_ONCE : NARINFOS_AT_ONCE;
  return answerJson<GatewayFacts>({
    version: VERSION,
    storeDir,
    priority,
    access: isPrivate ? "token" : "public",
    publicKeys: publishedKeys(exchange.cache),
    signingKeys: signingKeys(exchange.cache),
    proves,
    uploads: pushes.ok && tokens.length + oidcTrust.length > 0,
    partSizeThreshold: PART_SIZE_THRESHOLD_BYTES,
    batches: {
      hashes: MAX_MISSING_HASHES,
      narinfos,
      narBytes: MAX_BATCHED_NAR_BYTES,
    },
  });
}

/** GET `/api/v1/token`: the scopes of the token that the request sends. */
export async function readOwnToken(exchange: Exchange): Promise<Response> {
  const entry = await findTokenEntry(exchange);
  const { name, scopes } = entry ?? (await admitHolder(exchange));
  // An OIDC token states its own end, so only entries of TOKENS have a last day here.
  return answerJson<TokenAnswer>({ name, scopes: [...scopes], expires: entry?.expires ?? null });
}

/** Returns PUBLIC_KEYS and the public half of the gateway's own signing key, in Nix's format. */
export function publishedKeys(cache: CacheScope): readonly string[] {
  const { reads } = cache;
  const keys = reads.ok ? reads.value.publicKeys.map(formatPublicKey) : [];
  return [...new Set([...keys, ...signingKeys(cache)])];
}

function signingKeys({ pushes }: CacheScope): readonly string[] {
  const signingKey = pushes.ok ? pushes.value.signingKey : undefined;
  return signingKey === undefined ? [] : [formatPublicKey(publicKeyOf(signingKey))];
}
