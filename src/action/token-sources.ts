import { ClientError } from "../client/client-error.ts";
import { createHttpClient, type HttpClient } from "../client/gateway/http-client.ts";
import type { TokenSource } from "../client/gateway/open-cache.ts";
import { readField } from "../client/read-field.ts";
import type { ActionContext } from "./action-context.ts";
import type { Inputs } from "./read-inputs.ts";

/** How a job can show who it is. */
export type TokenKind = "token" | "oidc";

/** All ways that this job has, the one that was given by hand first. */
export function listTokenSources(
  { token, audience }: Pick<Inputs, "token" | "audience">,
  context: ActionContext,
): ReadonlyMap<TokenKind, TokenSource> {
  const sources = new Map<TokenKind, TokenSource>();
  if (token !== undefined) {
    sources.set("token", { name: "the input token", current: async () => token });
  }
  const { runner, env, now } = context;
  const url = env["ACTIONS_ID_TOKEN_REQUEST_URL"] ?? "";
  const bearer = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"] ?? "";
  if (url !== "" && bearer !== "") {
    const http = createHttpClient(context);
    const mask = (secret: string) => runner.mask(secret);
    sources.set("oidc", createOidcTokens({ url, bearer, audience }, { http, now, mask }));
  }
  return sources;
}

/** What a job with `id-token: write` is given to ask with. */
export interface TokenRequest {
  readonly url: string;
  readonly bearer: string;
  readonly audience: string;
}

interface OidcEnvironment {
  readonly http: Pick<HttpClient, "send">;
  readonly now: () => Date;
  readonly mask: (secret: string) => void;
}

// Longer than a request and its retries wait, and a fifth of what a token lives.
const MARGIN_MILLISECONDS = 60_000;

/**
 * The identity of the job, as tokens of a few minutes each: the same one until
 * shortly before its end, then a fresh one. `core.getIDToken` would do it as
 * well, with an HTTP client thirty times as large as the rest of that library.
 */
export function createOidcTokens(
  { url, bearer, audience }: TokenRequest,
  { http, now, mask }: OidcEnvironment,
): TokenSource {
  let held: { readonly token: string; readonly expires: number } | undefined;
  let asking: Promise<void> | undefined;

  async function ask(): Promise<void> {
    const target = new URL(url);
    target.searchParams.set("audience", audience);
    const { status, body } = await http.send({
      method: "GET",
      url: target.href,
      headers: { accept: "application/json", authorization: `Bearer ${bearer}` },
    });
    if (status !== 200) {
      throw new ClientError(`GitHub gives this job no OIDC token: its service answered ${status}`);
    }
    const token = readField(parseJson(body.toString()), "value");
    if (typeof token !== "string") throw new ClientError("GitHub answered without an OIDC token");
    mask(token);
    const expires = readExpiry(token);
    if (expires === undefined) throw new ClientError("GitHub's OIDC token says no time of its end");
    held = { token, expires };
  }

  const millisecondsLeft = () => (held?.expires ?? 0) - now().getTime();
  return {
    name: "GitHub",
    async current() {
      if (millisecondsLeft() < MARGIN_MILLISECONDS) {
        asking ??= ask().finally(() => {
          asking = undefined;
        });
        await asking.catch((error: unknown) => {
          // The old one does while it lasts.
          if (millisecondsLeft() <= 0) throw error;
        });
      }
      if (held === undefined) throw new ClientError("GitHub answered without an OIDC token");
      return held.token;
    },
  };
}

/** In milliseconds. Unverified: who signed it is the cache's business. */
function readExpiry(token: string): number | undefined {
  const payload = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  const expires = readField(parseJson(payload), "exp");
  return typeof expires === "number" ? expires * 1000 : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
