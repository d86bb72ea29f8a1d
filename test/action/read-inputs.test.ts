import { describe, expect, it } from "vitest";
import { readInputs } from "../../src/action/read-inputs.ts";
import { generateSecretKey } from "../../src/nix/signature.ts";
import { createFakeRunner } from "../../testkit/node/fake-runner.ts";

const read = async (inputs: Readonly<Record<string, string>> = {}) =>
  await readInputs(createFakeRunner(inputs));

describe("readInputs", () => {
  it("takes the address without its final slash, and its origin for the audience", async () => {
    expect(await read({ url: "https://cache.example.org/" })).toMatchObject({
      url: "https://cache.example.org",
      audience: "https://cache.example.org",
      token: undefined,
      push: true,
      pushFilter: undefined,
    });
  });

  it("takes another audience where one is given", async () => {
    expect(await read({ audience: "https://other.example.org" })).toMatchObject({
      audience: "https://other.example.org",
    });
  });

  it("masks the token, and the sign key with and without its name", async () => {
    const key = await generateSecretKey("ci-1");
    const runner = createFakeRunner({ token: "secret-token", "sign-key": key });
    const { token, signKey } = await readInputs(runner);
    expect(token).toBe("secret-token");
    expect(signKey?.name).toBe("ci-1");
    expect(runner.masked).toEqual(["secret-token", key, key.slice("ci-1:".length)]);
  });

  it.each([
    { text: "", names: [] },
    { text: "a-1 b-1\nc-1", names: ["a-1", "b-1", "c-1"] },
    {
      text: "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=",
      names: ["cache.nixos.org-1"],
    },
  ])("takes $names from upstream-keys: $text", async ({ text, names }) => {
    expect([...(await read({ "upstream-keys": text })).upstreamKeys]).toEqual(names);
  });

  it.each([
    { what: "no url", inputs: { url: "" }, says: "the input url is missing" },
    {
      what: "a url that is none",
      inputs: { url: "cache.example.org" },
      says: "has no scheme. Did you mean https://cache.example.org?",
    },
    {
      what: "a url with a password",
      inputs: { url: "https://a:b@c.org" },
      says: "must not contain a user, a password",
    },
    {
      what: "a flag that is neither",
      inputs: { push: "yes" },
      says: "the input push must be true or false",
    },
    {
      what: "a token of two words",
      inputs: { token: "a b" },
      says: "contains a space or an unprintable character",
    },
    {
      what: "a token over plain http",
      inputs: { url: "http://cache.example.org", token: "t" },
      says: "over plain http. Use an https URL",
    },
    {
      what: "a sign key that is none",
      inputs: { "sign-key": "x" },
      says: "the input sign-key is not",
    },
    {
      what: "a key without a name",
      inputs: { "upstream-keys": ":AAAA" },
      says: "must have names of keys",
    },
    {
      what: "a filter that is none",
      inputs: { "push-filter": "(" },
      says: "not a regular expression",
    },
  ])("refuses $what", async ({ inputs, says }) => {
    const given: Readonly<Record<string, string>> = inputs;
    await expect(read(given)).rejects.toThrow(says);
  });
});
