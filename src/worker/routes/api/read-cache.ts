import { PART_SIZE_THRESHOLD_BYTES } from "../../../api/direct-uploads.ts";
import { VERSION } from "../../../api/endpoints.ts";
import { type Exchange, readConfig } from "../exchange.ts";
import { publishedKeys } from "../published-keys.ts";
import { answerJson } from "./answer-json.ts";

/** GET `/api/v1/cache`, to anyone: what a client must know to use this cache, like the page at `/`. */
export function readCache({ gateway }: Exchange): Response {
  const { storeDir, priority, isPrivate } = readConfig(gateway);
  const { writes, tokens, oidcTrust } = gateway.config;
  return answerJson({
    version: VERSION,
    storeDir,
    priority,
    access: isPrivate ? "token" : "public",
    publicKeys: publishedKeys(gateway),
    uploads: writes.ok && tokens.length + oidcTrust.length > 0,
    partSizeThreshold: PART_SIZE_THRESHOLD_BYTES,
  });
}
