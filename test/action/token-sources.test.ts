import { describe, expect, it } from "vitest";
import { createOidcTokens } from "../../src/action/token-sources.ts";
import type { HttpRequest } from "../../src/client/gateway/http-client.ts";

const START = Date.parse("2026-11-22T12:00:00Z");

/** Creates a token service whose tokens expire after five minutes. */
function createService() {
  let time = START;
  let status = 200;
  let value: unknown;
  const asked: HttpRequest[] = [];
  const masked: string[] = [];
  const tokens = createOidcTokens(
    {
      url: "https://pipelines.example.org/idtoken?api-version=2.0",
      bearer: "runner-secret",
      audience: "https://cache.example.org",
    },
    {
      now: () => new Date(time),
      mask: (secret) => void masked.push(secret),
      http: {
        async send(request) {
          asked.push(request);
          const token = formatToken({ exp: time / 1000 + 300, count: asked.length });
          const body = Buffer.from(JSON.stringify({ value: value ?? token }));
          return { status, headers: new Headers(), body };
        },
      },
    },
  );
  return {
    asked,
    masked,
    current: async () => await tokens.current(),
    pass: (seconds: number) => (time += seconds * 1000),
    answer: (next: { status?: number; value?: unknown }) => {
      status = next.status ?? 200;
      value = next.value;
    },
  };
}

function formatToken(payload: unknown): string {
  return `e30.${Buffer.from(JSON.stringify(payload)).toString("base64url")}.c2ln`;
}

const countOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()).count;

describe("createOidcTokens", () => {
  it("asks as the runner wants it, for the audience", async () => {
    const service = createService();
    await service.current();
    expect(service.asked).toEqual([
      {
        method: "GET",
        url: "https://pipelines.example.org/idtoken?api-version=2.0&audience=https%3A%2F%2Fcache.example.org",
        headers: { accept: "application/json", authorization: "Bearer runner-secret" },
      },
    ]);
  });

  it("keeps a token, and masks it once", async () => {
    const service = createService();
    const token = await service.current();
    service.pass(239);
    expect(await service.current()).toBe(token);
    expect(service.masked).toEqual([token]);
  });

  it("asks for a fresh one a minute before the end, once for all who wait", async () => {
    const service = createService();
    await service.current();
    service.pass(241);
    const tokens = await Promise.all([service.current(), service.current(), service.current()]);
    expect(tokens.map(countOf)).toEqual([2, 2, 2]);
    expect(service.masked.map(countOf)).toEqual([1, 2]);
  });

  it("uses the old token while it is valid, if there is no new one", async () => {
    const service = createService();
    const token = await service.current();
    service.pass(241);
    service.answer({ status: 500 });
    expect(await service.current()).toBe(token);
    service.pass(60);
    await expect(service.current()).rejects.toThrow("its token service answered 500");
  });

  it.each([
    { what: "no token", value: 7, says: "without an OIDC token" },
    { what: "a text that is not a token", value: "secret", says: "has no expiry time (exp)" },
    { what: "a token without an end", value: formatToken({}), says: "has no expiry time (exp)" },
  ])("refuses $what, without quoting it", async ({ value, says }) => {
    const service = createService();
    service.answer({ value });
    const error: unknown = await service.current().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringContaining(says) });
    expect(String(error)).not.toContain("secret");
  });
});
