import { describe, expect, it } from "vitest";
import {
  createIssuerKeys,
  type OidcEnvironment,
} from "../../../../src/worker/access/oidc/issuer-keys.ts";
import { createFakeIssuer, type FakeIssuer } from "../../../../testkit/fake-issuer.ts";
import {
  createOidcEnvironment,
  createPatience,
} from "../../../../testkit/workerd/oidc-environment.ts";

const URL_OF_ISSUER = "https://issuer.example.org";
const DOCUMENTS = ["/.well-known/openid-configuration", "/keys"];
const PATIENT = createPatience(10_000);
const MINUTE = 60_000;

const keyNamed = (kid: string) => ({ alg: "RS256", kid });

async function start(url = URL_OF_ISSUER) {
  const issuer = await createFakeIssuer(url);
  const environment = createOidcEnvironment(issuer);
  return { issuer, environment, keys: createIssuerKeys(url, environment) };
}

/** Every answer of the issuer is made of its own by `change`. */
function changed(
  issuer: FakeIssuer,
  change: (answer: Response, url: string) => Response | Promise<Response>,
): OidcEnvironment {
  const environment = createOidcEnvironment(issuer);
  return { ...environment, fetch: async (url) => await change(issuer.answer(url), url) };
}

describe("the keys of an issuer", () => {
  it("are found by discovery, once", async () => {
    const { issuer, keys } = await start();
    for (let count = 0; count < 3; count++) {
      expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({ ok: true });
    }
    expect(issuer.requests).toEqual(DOCUMENTS);
  });

  it.each([
    { what: "a final slash", url: "https://issuer.example.org/", path: "" },
    { what: "a path", url: "https://issuer.example.org/realms/ci", path: "/realms/ci" },
  ])("are found where the issuer has $what", async ({ url, path }) => {
    const { issuer, keys } = await start(url);
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({ ok: true });
    expect(issuer.requests).toEqual(DOCUMENTS.map((document) => path + document));
  });

  it("are fetched once for all who ask at the same time", async () => {
    const { issuer, keys } = await start();
    const found = await Promise.all(
      Array.from({ length: 25 }, () => keys.find(keyNamed("key-1"), PATIENT)),
    );
    expect(found.every(({ ok }) => ok)).toBe(true);
    expect(issuer.requests).toEqual(DOCUMENTS);
  });

  it("are fetched again for a new key, and the old one is none any more", async () => {
    const { issuer, environment, keys } = await start();
    await keys.find(keyNamed("key-1"), PATIENT);
    await issuer.rotateKeys();
    environment.pass(31_000);
    expect(await keys.find(keyNamed("key-2"), PATIENT)).toMatchObject({ ok: true });
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({
      error: { code: "oidc-signature" },
    });
    expect(issuer.requests).toEqual([...DOCUMENTS, ...DOCUMENTS]);
  });

  it("are asked for at most every 30 seconds, however many made-up keys are named", async () => {
    const { issuer, environment, keys } = await start();
    for (let count = 0; count < 61; count++) {
      const found = await keys.find(keyNamed(`made-up-${count}`), PATIENT);
      expect(found).toMatchObject({ error: { code: "oidc-signature" } });
      environment.pass(1000);
    }
    expect(issuer.requests).toHaveLength(3 * DOCUMENTS.length);
  });

  it("are refreshed behind an answer after ten minutes", async () => {
    const { issuer, environment, keys } = await start();
    await keys.find(keyNamed("key-1"), PATIENT);
    await issuer.rotateKeys();
    environment.pass(10 * MINUTE);
    const patience = createPatience(0);
    expect(await keys.find(keyNamed("key-1"), patience)).toMatchObject({ ok: true });
    await patience.settle();
    expect(await keys.find(keyNamed("key-1"), patience)).toMatchObject({ ok: false });
    expect(await keys.find(keyNamed("key-2"), patience)).toMatchObject({ ok: true });
  });

  it("last for an hour while the issuer is down, and no longer", async () => {
    const { issuer, environment, keys } = await start();
    await keys.find(keyNamed("key-1"), PATIENT);
    issuer.goDown();
    environment.pass(59 * MINUTE);
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({ ok: true });
    await PATIENT.settle();
    environment.pass(MINUTE);
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({
      error: { code: "oidc-issuer-unavailable", retryAfterSeconds: 5 },
    });
  });

  it("are waited for while an issuer stumbles", async () => {
    const { issuer, environment } = await start();
    let asked = 0;
    const keys = createIssuerKeys(URL_OF_ISSUER, {
      ...environment,
      async fetch(url) {
        if (++asked <= 2) throw new TypeError("connection lost");
        return issuer.answer(url);
      },
    });
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({ ok: true });
    expect(asked).toBe(4);
  });

  it("are asked for ever less often while the issuer is down", async () => {
    const { issuer, environment, keys } = await start();
    issuer.goDown();
    const patience = createPatience(0);
    for (let seconds = 0; seconds < 300; seconds++) {
      await keys.find(keyNamed("key-1"), patience);
      await patience.settle();
      environment.pass(1000);
    }
    // After 0, 2, 6, 14 and 30 seconds, and then every 30.
    expect(issuer.requests).toHaveLength(5 + 8);
    issuer.comeBack();
    environment.pass(30_000);
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({ ok: true });
  });

  it("that were asked for by a request which was cancelled are asked for by the next", async () => {
    const { issuer, environment } = await start();
    let asked = 0;
    const keys = createIssuerKeys(URL_OF_ISSUER, {
      ...environment,
      fetch: async (url) => (asked++ === 0 ? await new Promise(() => {}) : issuer.answer(url)),
    });
    void keys.find(keyNamed("key-1"), PATIENT);
    expect(await keys.find(keyNamed("key-1"), PATIENT)).toMatchObject({ ok: true });
    expect(asked).toBe(3);
  });

  it("that do not come within the deadline do not come", async () => {
    const { environment } = await start();
    const deadlines: number[] = [];
    const keys = createIssuerKeys(URL_OF_ISSUER, {
      ...environment,
      fetch: (_url, { signal }) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(new Error("too slow")));
        }),
      timeout(milliseconds) {
        deadlines.push(milliseconds);
        environment.pass(milliseconds);
        return AbortSignal.timeout(1);
      },
    });
    const found = await keys.find(keyNamed("key-1"), PATIENT);
    expect(found).toMatchObject({ error: { code: "oidc-issuer-unavailable" } });
    // Three seconds, a pause of two, three seconds, a pause of four.
    expect(deadlines).toEqual([3000, 3000]);
  });
});

describe("a request that does not wait", () => {
  it("has no answer to wait for, and has the keys fetched for the next", async () => {
    const { issuer, keys } = await start();
    const patience = createPatience(0);
    expect(await keys.find(keyNamed("key-1"), patience)).toMatchObject({
      error: { code: "oidc-issuer-unavailable" },
    });
    expect(await keys.find(keyNamed("key-1"), patience)).toMatchObject({ ok: false });
    await patience.settle();
    expect(await keys.find(keyNamed("key-1"), patience)).toMatchObject({ ok: true });
    expect(issuer.requests).toEqual(DOCUMENTS);
  });
});

/** The discovery document is another. */
const discovery = (document: unknown) => (answer: Response, url: string) =>
  url.endsWith("/openid-configuration") ? Response.json(document) : answer;

describe("an issuer", () => {
  const OTHER = "https://other.example.org";
  it.each([
    {
      what: "calls itself otherwise",
      change: discovery({ issuer: OTHER, jwks_uri: `${URL_OF_ISSUER}/keys` }),
      because: "the discovery document of https://issuer.example.org names another issuer",
    },
    {
      what: "has a slash more than it is configured with",
      change: discovery({ issuer: `${URL_OF_ISSUER}/`, jwks_uri: `${URL_OF_ISSUER}/keys` }),
      because: "the discovery document of https://issuer.example.org names another issuer",
    },
    {
      what: "has its keys on plain HTTP",
      change: discovery({ issuer: URL_OF_ISSUER, jwks_uri: "http://issuer.example.org/keys" }),
      because:
        "the discovery document of https://issuer.example.org has no jwks_uri with an https URL",
    },
    {
      what: "names no keys",
      change: discovery({ issuer: URL_OF_ISSUER }),
      because:
        "the discovery document of https://issuer.example.org has no jwks_uri with an https URL",
    },
    {
      what: "answers with a list",
      change: discovery([]),
      because: "the discovery document of https://issuer.example.org names another issuer",
    },
    {
      what: "redirects",
      change: () => new Response(null, { status: 302, headers: { location: OTHER } }),
      because: "https://issuer.example.org/.well-known/openid-configuration answered 302",
    },
    {
      what: "has no document",
      change: () => new Response("not here", { status: 404 }),
      because: "https://issuer.example.org/.well-known/openid-configuration answered 404",
    },
    {
      what: "answers without end",
      change: () => new Response(" ".repeat(257 * 1024)),
      because: "the answer is longer than 262144 bytes",
    },
    { what: "answers with a page", change: () => new Response("<html>"), because: "JSON" },
    {
      what: "has keys that are none",
      change: (answer: Response, url: string) =>
        url.endsWith("/keys") ? Response.json({ keys: ["key-1"] }) : answer,
      because: "https://issuer.example.org/keys answered without a key set",
    },
  ])("that $what is unavailable", async ({ change, because }) => {
    const issuer = await createFakeIssuer(URL_OF_ISSUER);
    const keys = createIssuerKeys(URL_OF_ISSUER, changed(issuer, change));
    const found = await keys.find(keyNamed("key-1"), createPatience(1));
    expect(found).toMatchObject({ error: { code: "oidc-issuer-unavailable" } });
    expect(String(!found.ok && found.error.cause)).toContain(because);
  });

  it("is asked without following a redirect, past any cache, with a name", async () => {
    const issuer = await createFakeIssuer(URL_OF_ISSUER);
    const asked: RequestInit[] = [];
    const environment = createOidcEnvironment(issuer);
    const keys = createIssuerKeys(URL_OF_ISSUER, {
      ...environment,
      async fetch(url, init) {
        asked.push(init);
        return issuer.answer(url);
      },
    });
    await keys.find(keyNamed("key-1"), PATIENT);
    for (const init of asked) {
      expect(init).toMatchObject({
        redirect: "manual",
        cache: "no-store",
        headers: { "user-agent": "nargate" },
      });
    }
  });
});
