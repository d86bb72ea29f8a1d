import { describe, expect, it } from "vitest";
import { parseSettings } from "../../../../src/settings/settings.ts";
import { createGateway } from "../../../../src/worker/create-gateway.ts";
import type { Exchange } from "../../../../src/worker/routes/exchange.ts";
import { readPage } from "../../../../src/worker/routes/nargate/page.ts";

const SETTINGS = {
  B2_ENDPOINT: "https://s3.us-east-005.backblazeb2.com",
  B2_REGION: "us-east-005",
  B2_BUCKET: "bucket",
  B2_KEY_ID: "key",
  B2_APPLICATION_KEY: "secret",
};

describe("GET /", () => {
  // A client can send any Host, and workerd then gives a URL that does not parse.
  it("answers a request whose Host is no host", async () => {
    const gateway = createGateway(parseSettings(SETTINGS), () => {});
    const request = { url: "https://a b:x/", method: "GET" } as Request;
    const cache = gateway.caches.find(request);
    const response = readPage({ gateway, cache, request } as Exchange);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("extra-substituters = https://<the address of");
  });
});
