import { ENDPOINTS } from "../../api/endpoints.ts";
import { tokenAnswerSchema } from "../../api/answers.ts";
import { readShape } from "../../api/read-shape.ts";
import { isScope, type Scope } from "../../api/tokens.ts";
import { ClientError } from "../client-error.ts";
import type { CacheClient } from "./cache-client.ts";

/** The facts about the token that this client sends. */
export interface TokenFacts {
  readonly name: string;
  /** Only the scopes that this version knows: a newer gateway may have more. */
  readonly scopes: readonly Scope[];
  /** The last day on which the token is valid, in UTC: YYYY-MM-DD. */
  readonly expires: string | undefined;
}

/** Asks the gateway about this client's token. Throws a `CacheRefusal` if the token is unknown or expired. */
export async function readTokenFacts(client: CacheClient): Promise<TokenFacts> {
  const answer = readShape(tokenAnswerSchema, await client.call("GET", ENDPOINTS.token));
  if (!answer.ok) {
    throw new ClientError(
      `${client.url} does not look like a Nargate cache (in the answer to GET ${ENDPOINTS.token}, ${answer.error})`,
    );
  }
  const { name, scopes, expires } = answer.value;
  return { name, scopes: scopes.filter(isScope), expires: expires ?? undefined };
}
