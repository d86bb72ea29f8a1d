import { describe, expect, it } from "vitest";
import { createCacheClient } from "../../../src/client/gateway/cache-client.ts";
import { readGatewayFacts } from "../../../src/client/gateway/gateway-facts.ts";
import { createHttpClient } from "../../../src/client/gateway/http-client.ts";
import { GATEWAY_FACTS } from "../../../testkit/node/gateway-facts.ts";
import { answerJson, type Handler, serve } from "../../../testkit/node/serve.ts";
import { createTestContext } from "../../../testkit/node/test-context.ts";

async function readFrom(handler: Handler) {
  const http = createHttpClient(createTestContext({ fetch }), {
    attempts: 1,
    idleMilliseconds: 5_000,
  });
  return await readGatewayFacts(
    createCacheClient(await serve(handler), async () => undefined, http),
  );
}

describe("readGatewayFacts", () => {
  it("reads the facts of a gateway, and ignores newer fields", async () => {
    const facts = await readFrom((_, response) =>
      answerJson(response, { ...GATEWAY_FACTS, newer: true }),
    );
    expect(facts).toEqual(GATEWAY_FACTS);
  });

  it.each([301, 302, 404, 405])(
    "says after %i that this is not a Nargate cache",
    async (status) => {
      await expect(
        readFrom((_, response) => void response.writeHead(status).end()),
      ).rejects.toThrow(`does not look like a Nargate cache (GET api/v1/cache returned ${status})`);
    },
  );

  it("keeps the reason of a misconfigured gateway", async () => {
    const error = { code: "misconfigured", message: "This cache is not configured correctly." };
    await expect(readFrom((_, response) => answerJson(response, { error }, 501))).rejects.toThrow(
      "This cache is not configured correctly.",
    );
  });

  it.each([
    { what: "a list", change: [] },
    { what: "null", change: null },
    { what: "no version", change: { ...GATEWAY_FACTS, version: undefined } },
    { what: "another access", change: { ...GATEWAY_FACTS, access: "friends" } },
    { what: "malformed keys", change: { ...GATEWAY_FACTS, publicKeys: ["x"] } },
    {
      what: "a key with a line of nix.conf in it",
      change: {
        ...GATEWAY_FACTS,
        publicKeys: [`${GATEWAY_FACTS.publicKeys[0]}\nallow-unsafe = true`],
      },
    },
  ])("refuses $what", async ({ change }) => {
    await expect(readFrom((_, response) => answerJson(response, change))).rejects.toThrow(
      "does not look like a Nargate cache (in the answer to GET api/v1/cache, ",
    );
  });
});
