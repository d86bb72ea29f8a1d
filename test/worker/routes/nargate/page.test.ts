import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { parseSettings } from "../../../../src/settings/settings.ts";
import { createGateway } from "../../../../src/worker/create-gateway.ts";
import type { Exchange } from "../../../../src/worker/routes/exchange.ts";
import { SECRET_KEY_ONE, PUBLIC_KEY_ONE } from "../../../nix/data/keys.ts";
import { startGateway } from "../../../../testkit/workerd/gateway.ts";
import { readPage } from "../../../../src/worker/routes/nargate/page.ts";

const SETTINGS = {
  B2_ENDPOINT: "https://s3.us-east-005.backblazeb2.com",
  B2_REGION: "us-east-005",
  B2_BUCKET: "bucket",
  B2_KEY_ID: "key",
  B2_APPLICATION_KEY: "secret",
};

const BROWSER = { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } };

describe("GET /", () => {
  // A client can send any Host, and workerd then gives a URL that does not parse.
  it("answers a request whose Host is no host", async () => {
    const gateway = createGateway(parseSettings(SETTINGS), () => {});
    const request = { url: "https://a b:x/", method: "GET", headers: new Headers() } as Request;
    const cache = gateway.caches.find(request);
    const response = readPage({ gateway, cache, request } as Exchange);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain("extra-substituters = https://<the address of");
  });

  it.each([
    { what: "curl", accept: "*/*" },
    { what: "nothing", accept: undefined },
  ])("answers $what with text", async ({ accept }) => {
    const { request } = await startGateway({ SIGNING_KEY: SECRET_KEY_ONE });
    const response = await request("/", accept === undefined ? {} : { headers: { accept } });
    expect(response.headers.get("content-type")).toBe("text/plain; charset=utf-8");
    expect(response.headers.get("vary")).toBe("accept");
    const text = await response.text();
    expect(text).toContain("    extra-substituters = https://cache.example.org\n");
    expect(text).toContain(`    extra-trusted-public-keys = ${PUBLIC_KEY_ONE}\n`);
  });

  it("answers a browser with a page that has the lines to copy, and runs nothing else", async () => {
    const { bucket, request } = await startGateway({ SIGNING_KEY: SECRET_KEY_ONE });
    const response = await request("/", BROWSER);
    expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
    const policy = response.headers.get("content-security-policy") ?? "";
    expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-/);
    const text = await response.text();
    expect(text).toContain(`extra-trusted-public-keys = ${PUBLIC_KEY_ONE}\nfallback = true`);
    expect(text).toContain("  extra-substituters = [ &quot;https://cache.example.org&quot; ];");
    expect(text).toContain("    url: https://cache.example.org");
    for (const [tag, directive] of [
      ["style", "style-src"],
      ["script", "script-src"],
    ]) {
      const inner = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(text)?.[1] ?? "";
      const digest = createHash("sha256").update(inner).digest("base64");
      expect(policy).toContain(`${directive} 'sha256-${digest}'`);
    }
    expect(text).not.toMatch(/(?:src|href)="(?!data:|https:\/\/github\.com\/nargate\/nargate")/);
    expect(await bucket.countRequests()).toBe(0);
  });

  it("shows what a private cache needs, and what the operator has left out", async () => {
    const { request } = await startGateway({ READ_ACCESS: "token", PUBLIC_KEYS: "" });
    const text = await (await request("/", BROWSER)).text();
    expect(text).toContain("machine cache.example.org login nargate password &lt;token&gt;");
    expect(text).toContain("The operator has not said which public key signs this cache");
  });

  it("escapes what a client puts into the host", async () => {
    const gateway = createGateway(parseSettings(SETTINGS), () => {});
    const headers = new Headers({ accept: "text/html" });
    const request = { url: "https://a<script>b/", method: "GET", headers } as Request;
    const cache = gateway.caches.find(request);
    const text = await readPage({ gateway, cache, request } as Exchange).text();
    expect(text).not.toContain("a<script>");
    expect(text).toContain("https://&lt;the address of this cache&gt;");
  });
});
