import { describe, expect, it } from "vitest";
import { planPush, type PushQuestion } from "../../src/action/plan-push.ts";
import type { TokenKind } from "../../src/action/token-sources.ts";
import { CacheRefusal } from "../../src/client/gateway/cache-client.ts";
import { Unreachable } from "../../src/client/gateway/http-client.ts";
import type { TokenSource } from "../../src/client/gateway/open-cache.ts";

const NAMES: Readonly<Record<TokenKind, string>> = { token: "the input token", oidc: "GitHub" };

function sourcesOf(...kinds: readonly TokenKind[]): ReadonlyMap<TokenKind, TokenSource> {
  return new Map(kinds.map((kind) => [kind, { name: NAMES[kind], current: async () => kind }]));
}

const PUSHER = { name: "ci", scopes: ["push"], expires: undefined } as const;
const READER = { name: "reader", scopes: ["read"], expires: undefined } as const;

const REFUSED = new CacheRefusal("api/v1/token: 401 This token is unknown.", 401, undefined);
const DOWN = new CacheRefusal("api/v1/token: 503 Try again shortly.", 503, undefined);
const AWAY = new Unreachable("cannot reach cache.example.org");

interface Row {
  readonly what: string;
  readonly question: Partial<PushQuestion>;
  readonly plan: unknown;
}

const NO_TOKEN =
  "it has no token. Give the job `permissions: id-token: write`, or set the input token of this step";

const ROWS: readonly Row[] = [
  {
    what: "pushes with the input token",
    question: {},
    plan: { kind: "push", by: "token", name: "ci" },
  },
  {
    what: "prefers the input token",
    question: { sources: sourcesOf("token", "oidc") },
    plan: { kind: "push", by: "token", name: "ci" },
  },
  {
    what: "pushes with OIDC where the input token is for reading",
    question: {
      sources: sourcesOf("token", "oidc"),
      ask: async ({ name }) => (name === "GitHub" ? PUSHER : READER),
    },
    plan: { kind: "push", by: "oidc", name: "ci" },
  },
  {
    what: "takes an admin's token",
    question: { ask: async () => ({ ...PUSHER, scopes: ["admin"] }) },
    plan: { kind: "push", by: "token", name: "ci" },
  },
  {
    what: "only pulls where push is false",
    question: { inputs: { push: false } },
    plan: { kind: "pull-only", reason: "the input push is false", isMeant: true },
  },
  {
    what: "only pulls for a fork, whatever tokens there are",
    question: { fork: "mallory/octo-repo", sources: sourcesOf("token", "oidc") },
    plan: {
      kind: "pull-only",
      reason: "its code comes from mallory/octo-repo, a fork",
      isMeant: true,
    },
  },
  {
    what: "says what is missing without a token",
    question: { sources: sourcesOf() },
    plan: { kind: "pull-only", reason: NO_TOKEN, isMeant: false },
  },
  {
    what: "says who refused which token",
    question: {
      sources: sourcesOf("oidc"),
      ask: async () => {
        throw REFUSED;
      },
    },
    plan: {
      kind: "pull-only",
      reason: "the cache refused the token from GitHub: api/v1/token: 401 This token is unknown.",
      isMeant: false,
    },
  },
  {
    what: "says that a token is for reading",
    question: { ask: async () => READER },
    plan: {
      kind: "pull-only",
      reason: "the token reader may not push: its scopes are read",
      isMeant: false,
    },
  },
  ...[DOWN, AWAY].map((error) => ({
    what: `tries again later after: ${error.message}`,
    question: {
      ask: async () => {
        throw error;
      },
    },
    plan: { kind: "try", by: "token", reason: error.message },
  })),
  {
    what: "tries again later if the cache did not answer",
    question: { cache: { reason: "cannot reach it", isPassing: true } },
    plan: { kind: "try", by: "token", reason: "cannot reach it" },
  },
  {
    what: "does not try again if the server is not a cache",
    question: { cache: { reason: "it is no Nargate", isPassing: false } },
    plan: { kind: "pull-only", reason: "it is no Nargate", isMeant: false },
  },
  {
    what: "does not push to a cache that does not accept pushes",
    question: { cache: { uploads: false } },
    plan: { kind: "pull-only", reason: "the cache does not accept pushes", isMeant: false },
  },
];

describe("planPush", () => {
  it.each(ROWS)("$what", async ({ question, plan }) => {
    const defaults: PushQuestion = {
      inputs: { push: true },
      fork: undefined,
      cache: { uploads: true },
      sources: sourcesOf("token"),
      ask: async () => PUSHER,
    };
    expect(await planPush({ ...defaults, ...question })).toEqual(plan);
  });

  it("asks for no token on behalf of a fork", async () => {
    let asked = 0;
    await planPush({
      inputs: { push: true },
      fork: "mallory/octo-repo",
      cache: { uploads: true },
      sources: sourcesOf("token", "oidc"),
      ask: async () => {
        asked++;
        return PUSHER;
      },
    });
    expect(asked).toBe(0);
  });
});
