import { randomUUID } from "node:crypto";
import { createServer, type ServerResponse } from "node:http";
import type { Claims } from "../fake-issuer.ts";
import type { OidcIssuer } from "./oidc-issuer.ts";

/** A service on loopback that issues OIDC tokens for a job with `id-token: write`. */
export interface IdTokenService {
  /** The variables that the runner sets for such a job. */
  readonly env: Readonly<Record<string, string>>;
  /** All issued tokens, the oldest first. */
  readonly given: readonly string[];
  /** The claims of the next tokens, except `aud`. */
  claims: Claims;
  close(): Promise<void>;
}

const BEARER = "bearer-of-the-runner";

export async function startIdTokenService(
  issuer: Pick<OidcIssuer, "sign">,
  claims: Claims,
): Promise<IdTokenService> {
  const given: string[] = [];
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url ?? "/", "http://service");
    if (
      request.headers.authorization !== `Bearer ${BEARER}` ||
      searchParams.get("api-version") !== "2.0"
    ) {
      response.writeHead(401).end();
      return;
    }
    answer(searchParams.get("audience"), response).catch(() => response.destroy());
  });

  async function answer(audience: string | null, response: ServerResponse): Promise<void> {
    const value = await issuer.sign({ aud: audience, jti: randomUUID(), ...service.claims });
    given.push(value);
    response.setHeader("content-type", "application/json").end(JSON.stringify({ value }));
  }
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const service: IdTokenService = {
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${address.port}/idtoken?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: BEARER,
    },
    given,
    claims,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return service;
}
