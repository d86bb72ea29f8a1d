import { CompactSign, exportJWK, generateKeyPair } from "jose";

/** What a token says. Whatever a test wants to have signed; `undefined` leaves a claim out. */
export type Claims = Readonly<Record<string, unknown>>;

/** An OpenID Connect issuer that signs real tokens, without a server of its own. */
export interface FakeIssuer {
  readonly url: string;
  /** The paths that were asked for, oldest first. */
  readonly requests: string[];
  /**
   * A token with these claims, signed by the current key. It begins now and
   * ends in five minutes, unless `claims` say otherwise.
   */
  sign(claims: Claims, options?: SignOptions): Promise<string>;
  /** The next tokens are signed by a new key, which alone is published. */
  rotateKeys(): Promise<void>;
  /** From now on every document is 503. */
  goDown(): void;
  comeBack(): void;
  /** What it answers for one of its URLs. */
  answer(url: string): Response;
  /** What it publishes now, as text. */
  keySet(): string;
}

export interface SignOptions {
  /** In place of what the current key says in the token's header. */
  readonly header?: Readonly<Record<string, unknown>>;
}

export async function createFakeIssuer(url: string, algorithm = "RS256"): Promise<FakeIssuer> {
  const requests: string[] = [];
  let generation = 0;
  let isDown = false;
  let key = await makeKey();

  async function makeKey() {
    const keyId = `key-${++generation}`;
    const { privateKey, publicKey } = await nextKeyPair(algorithm);
    const jwk = { ...(await exportJWK(publicKey)), kid: keyId, alg: algorithm, use: "sig" };
    return { keyId, privateKey, jwk };
  }

  const keySet = () => JSON.stringify({ keys: [key.jwk] });
  const base = url.replace(/\/$/, "");
  return {
    url,
    requests,
    keySet,
    async sign(claims, { header = {} } = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = JSON.stringify({ iss: url, iat: now, nbf: now, exp: now + 300, ...claims });
      return await new CompactSign(new TextEncoder().encode(payload))
        .setProtectedHeader({ alg: algorithm, kid: key.keyId, typ: "JWT", ...header })
        .sign(key.privateKey);
    },
    async rotateKeys() {
      key = await makeKey();
    },
    goDown() {
      isDown = true;
    },
    comeBack() {
      isDown = false;
    },
    answer(asked) {
      const { pathname } = new URL(asked);
      requests.push(pathname);
      if (isDown) return new Response("down", { status: 503 });
      switch (asked) {
        case `${base}/.well-known/openid-configuration`:
          return Response.json({ issuer: url, jwks_uri: `${base}/keys` });
        case `${base}/keys`:
          return new Response(keySet());
      }
      return new Response("no such document", { status: 404 });
    },
  };
}

/** As GitHub writes them for a push to the main branch. */
export const GITHUB_CLAIMS = {
  sub: "repo:octo-org/octo-repo:ref:refs/heads/main",
  repository: "octo-org/octo-repo",
  repository_id: "74",
  repository_owner: "octo-org",
  repository_owner_id: "65",
  repository_visibility: "private",
  event_name: "push",
  ref: "refs/heads/main",
  ref_type: "branch",
  job_workflow_ref: "octo-org/octo-automation/.github/workflows/build.yml@refs/heads/main",
  runner_environment: "github-hosted",
  run_id: "1234567890",
  actor: "octocat",
} as const;

/** The policy that docs/configuration.md recommends, for an issuer of the tests. */
export function githubTrust(issuer: string, audience: string) {
  return {
    issuer,
    audience,
    claims: {
      repository_id: "74",
      event_name: ["push", "schedule", "workflow_dispatch"],
      ref: "refs/heads/main",
    },
    scopes: ["push"],
  };
}

// More than any one test uses: the keys of its issuers and of their rotations differ.
const KEY_PAIRS = 12;
const keyPairs = new Map<string, ReturnType<typeof generateKeyPair>[]>();
let taken = 0;

/** Returns key pairs in turn, because generating one takes a tenth of a second of CPU. */
function nextKeyPair(algorithm: string): ReturnType<typeof generateKeyPair> {
  const made = keyPairs.get(algorithm) ?? [];
  keyPairs.set(algorithm, made);
  const place = taken++ % KEY_PAIRS;
  return (made[place] ??= generateKeyPair(algorithm));
}
