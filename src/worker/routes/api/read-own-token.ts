import { admitHolder, findTokenEntry } from "../admit.ts";
import type { Exchange } from "../exchange.ts";
import { answerJson } from "./answer-json.ts";

/** GET `/api/v1/token`: what the token that is shown may do. */
export async function readOwnToken(exchange: Exchange): Promise<Response> {
  const entry = await findTokenEntry(exchange);
  const { name, scopes } = entry ?? (await admitHolder(exchange));
  // An OIDC token says itself when it ends.
  return answerJson({ name, scopes, expires: entry?.expires ?? null });
}
