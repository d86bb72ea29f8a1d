import { isScope, type Scope } from "../../api/scopes.ts";
import { CliError } from "../client-error.ts";
import { readField } from "../read-field.ts";
import type { CacheClient } from "./cache-client.ts";

/** What the cache says of the token it was shown: `GET /api/v1/token`. */
export interface TokenFacts {
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** The last day on which it works, in UTC: YYYY-MM-DD. */
  readonly expires: string | undefined;
}

/** Throws a `CacheRefusal` for a token that is unknown or has expired. */
export async function readTokenFacts(client: CacheClient): Promise<TokenFacts> {
  const answer = await client.call("GET", "api/v1/token");
  const name = readField(answer, "name");
  const scopes = readField(answer, "scopes");
  const expires = readField(answer, "expires");
  if (typeof name !== "string" || !Array.isArray(scopes)) {
    throw new CliError(`${client.url} does not answer api/v1/token as a Nargate does`);
  }
  return {
    name,
    // A scope that is newer than this command is none that it could use.
    scopes: scopes.filter(isScope),
    expires: typeof expires === "string" ? expires : undefined,
  };
}
