import { sha256Hex } from "../sha256-hex.ts";
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { inject } from "vitest";
import type { OidcEnvironment } from "../../src/worker/access/oidc/issuer-keys.ts";
import { createOidcVerifier } from "../../src/worker/access/oidc/verify-oidc-token.ts";
import type { Gateway } from "../../src/worker/gateway.ts";
import { createApp } from "../../src/worker/app.ts";
import { parseSettings } from "../../src/settings/settings.ts";
import { createGateway } from "../../src/worker/create-gateway.ts";
import { createFakeB2Client, type FakeBucket } from "../fake-b2-client.ts";

export const PREFIX = "nix/cache/";
export const PUSH_TOKEN = "push-token-of-the-tests";
export const READ_TOKEN = "read-token-of-the-tests";

export const OTHER_TOKEN = "other-push-token-of-the-tests";
export const ADMIN_TOKEN = "admin-token-of-the-tests";

export interface LogLine {
  readonly level: string;
  readonly code: string;
  readonly [field: string]: unknown;
}

/** The whole gateway, in front of a bucket of its own in the fake B2. */
export interface TestGateway {
  readonly bucket: FakeBucket;
  readonly log: LogLine[];
  /** Requests a path and waits for what goes on after the answer. */
  request(path: string, init?: RequestInit): Promise<Response>;
  /** The same with the body unread; `settle` waits for what goes on. */
  open(
    path: string,
    init?: RequestInit,
  ): Promise<{ readonly response: Response; settle(): Promise<void> }>;
  /** The same as the holder of the push token. */
  push(
    path: string,
    body: string | Uint8Array<ArrayBuffer> | null,
    headers?: Record<string, string>,
  ): Promise<Response>;
}

/**
 * With `oidc`, the gateway asks the issuers there for their keys, and no real one.
 * `change` may replace parts of the gateway.
 */
export async function startGateway(
  settings: Record<string, string> = {},
  oidc?: OidcEnvironment,
  change: (gateway: Gateway) => Gateway = (gateway) => gateway,
): Promise<TestGateway> {
  const access = inject("fakeB2");
  const bucket = await createFakeB2Client(access.controlUrl).createBucket();
  const log: LogLine[] = [];
  const config = parseSettings({
    B2_ENDPOINT: access.endpoint,
    B2_REGION: access.region,
    B2_BUCKET: bucket.name,
    B2_PREFIX: PREFIX,
    B2_KEY_ID: access.keyId,
    B2_APPLICATION_KEY: access.secret,
    EDGE: "cache-api",
    TOKENS: JSON.stringify([
      { name: "tests", sha256: await sha256Hex(PUSH_TOKEN), scopes: ["push"] },
      { name: "readers", sha256: await sha256Hex(READ_TOKEN), scopes: ["read"] },
      { name: "root", sha256: await sha256Hex(ADMIN_TOKEN), scopes: ["admin"] },
    ]),
    ...settings,
  });
  const gateway = change(
    createGateway(config, (level, code, fields) => log.push({ level, code, ...fields })),
  );
  const verifier = oidc === undefined ? undefined : createOidcVerifier(config.oidcTrust, oidc);
  const app = createApp(
    verifier === undefined ? gateway : { ...gateway, openOidc: () => verifier },
  );

  const open: TestGateway["open"] = async (path, init = {}) => {
    const context = createExecutionContext();
    const response = await app.fetch(
      new Request(`https://cache.example.org${path}`, init),
      {},
      context,
    );
    return { response, settle: () => waitOnExecutionContext(context) };
  };
  async function request(path: string, init: RequestInit = {}): Promise<Response> {
    const { response, settle } = await open(path, init);
    const body = response.body === null ? null : await response.arrayBuffer();
    await settle();
    return new Response(body, response);
  }
  return {
    bucket,
    log,
    request,
    open,
    push: (path, body, headers) =>
      request(path, {
        method: "PUT",
        body,
        headers: {
          authorization: `Bearer ${PUSH_TOKEN}`,
          // A request that never crossed a network has no length of its own.
          "content-length": String(body === null ? 0 : new Blob([body]).size),
          ...headers,
        },
      }),
  };
}

/** One with a second token that may push. */
export async function startGatewayOfTwo(): Promise<TestGateway> {
  const entries = [
    { name: "ci", sha256: await sha256Hex(PUSH_TOKEN), scopes: ["push"] },
    { name: "laptop", sha256: await sha256Hex(OTHER_TOKEN), scopes: ["push"] },
  ];
  return await startGateway({ TOKENS: JSON.stringify(entries) });
}
