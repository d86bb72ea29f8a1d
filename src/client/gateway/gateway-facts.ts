import { ENDPOINTS } from "../../api/endpoints.ts";
import { type GatewayFacts, gatewayFactsSchema } from "../../api/fact-answers.ts";
import { readShape } from "../../api/read-shape.ts";
import { ClientError } from "../client-error.ts";
import { type CacheClient, CacheRefusal } from "./cache-client.ts";

export type { GatewayFacts };

/**
 * Reads the facts that a gateway publishes about itself. Throws a `ClientError`
 * when the server that answers is not a Nargate gateway.
 */
export async function readGatewayFacts(client: CacheClient): Promise<GatewayFacts> {
  let answer: unknown;
  try {
    answer = await client.call("GET", ENDPOINTS.cache);
  } catch (error) {
    if (error instanceof CacheRefusal && NOT_A_NARGATE.has(error.status)) {
      throw new ClientError(
        `${client.url} does not look like a Nargate cache (GET ${ENDPOINTS.cache} returned ${error.status})`,
        { cause: error },
      );
    }
    throw error;
  }
  const facts = readShape(gatewayFactsSchema, answer);
  if (facts.ok) return facts.value;
  throw new ClientError(
    `${client.url} does not look like a Nargate cache (in the answer to GET ${ENDPOINTS.cache}, ${facts.error})`,
  );
}

// The statuses of a redirect, an old gateway, another cache, or a plain web server.
const NOT_A_NARGATE: ReadonlySet<number> = new Set([301, 302, 307, 308, 400, 404, 405, 410]);
