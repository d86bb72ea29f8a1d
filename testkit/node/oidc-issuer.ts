import { createServer } from "node:http";
import { type Claims, createFakeIssuer, type SignOptions } from "../fake-issuer.ts";

/** An OpenID Connect issuer on loopback, for a real worker to ask. */
export interface OidcIssuer {
  /** What its tokens have as `iss`: `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** The paths that were asked for, oldest first. */
  readonly requests: readonly string[];
  /** See `FakeIssuer`. */
  sign(claims: Claims, options?: SignOptions): Promise<string>;
  rotateKeys(): Promise<void>;
  goDown(): void;
  comeBack(): void;
  close(): Promise<void>;
}

export async function startOidcIssuer(): Promise<OidcIssuer> {
  const server = createServer((request, response) => {
    const answer = issuer.answer(new URL(request.url ?? "/", issuer.url).href);
    answer
      .arrayBuffer()
      .then((body) =>
        response
          .writeHead(answer.status, Object.fromEntries(answer.headers))
          .end(new Uint8Array(body)),
      )
      .catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  const issuer = await createFakeIssuer(`http://127.0.0.1:${address.port}`);
  const { url, requests, sign, rotateKeys, goDown, comeBack } = issuer;
  return {
    url,
    requests,
    sign,
    rotateKeys,
    goDown,
    comeBack,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
