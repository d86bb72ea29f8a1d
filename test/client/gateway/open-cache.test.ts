import { describe, expect, it } from "vitest";
import { openCache, parseCacheUrl } from "../../../src/client/gateway/open-cache.ts";
import { UsageError } from "../../../src/client/client-error.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

describe("parseCacheUrl", () => {
  it.each([
    { given: "https://cache.example.org", url: "https://cache.example.org" },
    { given: "https://cache.example.org///", url: "https://cache.example.org" },
    { given: "http://127.0.0.1:8787/", url: "http://127.0.0.1:8787" },
    { given: "https://Example.org/nix/cache/", url: "https://example.org/nix/cache" },
  ])("reads $given", ({ given, url }) => {
    expect(parseCacheUrl(given)).toBe(url);
  });

  it.each([
    { what: "nothing", given: "", message: "no cache is given: use --to URL, or set NARGATE_URL" },
    {
      what: "no scheme",
      given: "cache.example.org:8443/x",
      message: "has no scheme. Did you mean https://cache.example.org:8443/x?",
    },
    ...["127.0.0.1:8787", "127.1.2.3/x", "localhost", "localhost:8787", "[::1]:8787"].map(
      (given) => ({
        what: `no scheme, on this machine: ${given}`,
        given,
        message: `${given} has no scheme. Did you mean http://${given}?`,
      }),
    ),
    {
      what: "no scheme, with an IPv6 address",
      given: "[2001:db8::1]",
      message: "Did you mean https://[2001:db8::1]?",
    },
    { what: "one word", given: "cache", message: "is not an http or https URL" },
    { what: "another scheme", given: "s3://bucket", message: "is not an http or https URL" },
    { what: "no host", given: "https://", message: "is not an http or https URL" },
    {
      what: "a password",
      given: "https://u:p@h.example",
      message: "must not contain a user, a password",
    },
    {
      what: "a query",
      given: "https://h.example?compression=zstd",
      message: "must not contain a user",
    },
    {
      what: "a fragment",
      given: "https://h.example#x",
      message: "must not contain a user, a password",
    },
  ])("refuses $what", ({ given, message }) => {
    expect(() => parseCacheUrl(given)).toThrow(UsageError);
    expect(() => parseCacheUrl(given)).toThrow(message);
  });
});

describe("openCache", () => {
  it("takes --to before NARGATE_URL", async () => {
    const context = createTestContext({ env: { NARGATE_URL: "https://variable.example" } });
    const { client } = await openCache({ to: "https://given.example/" }, context);
    expect(client.url).toBe("https://given.example");
    expect((await openCache({}, context)).client.url).toBe("https://variable.example");
  });

  it("opens a public cache without a token", async () => {
    const { token } = await openCache({ to: "https://given.example" }, createTestContext());
    expect(token).toBeUndefined();
  });
});
