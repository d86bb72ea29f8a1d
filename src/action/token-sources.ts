import { ClientError } from "../client/client-error.ts";
import { createHttpClient, type HttpClient } from "../client/gateway/http-client.ts";
import type { TokenSource } from "../client/gateway/open-cache.ts";
import { readField } from "../client/read-field.ts";
import type { ActionContext } from "./action-context.ts";
import type { Inputs } from "./read-inputs.ts";

/** The kinds of tokens that a job can have: from the input, or from GitHub's OIDC service. */
export type TokenKind = "token" | "oidc";

/** Returns all token sources of this job. The input comes first. */
export function listTokenSources(
  { token, audience }: Pick<Inputs, "token" | "audience">,
  context: ActionContext,
): ReadonlyMap<TokenKind, TokenSource> {
  const sources = new Map<TokenKind, TokenSource>();
  if (token !== undefined) {
    sources.set("token", { name: "the action's input", current: async () => token });
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

/** The data that a job with `id-token: write` gets to request an OIDC token. */
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

// A token is renewed a minute before it expires. This is longer than a request with its retries
// takes, and a fifth of the five minutes for which a token is valid.
const MARGIN_MILLISECONDS = 60_000;

const NO_TOKEN = "GitHub's token service answered without an OIDC token. Run the job again";

/**
 * Creates the source of the job's OIDC tokens. It returns the same token until
 * shortly before it expires, and then requests a new one. It does not use
 * `core.getIDToken`, because that brings an HTTP client thirty times as large as
 * the rest of that library.
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
      throw new ClientError(
        `GitHub gave this job no OIDC token: its token service answered ${status}. Run the job again`,
      );
    }
    const token = readField(parseJson(body.toString()), "value");
    if (typeof token !== "string") throw new ClientError(NO_TOKEN);
    mask(token);
    const expires = readExpiry(token);
    if (expires === undefined)
      throw new ClientError("GitHub's OIDC token has no expiry time (exp)");
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
          // The old token is used as long as it is valid.
          if (millisecondsLeft() <= 0) throw error;
        });
      }
      if (held === undefined) throw new ClientError(NO_TOKEN);
      return held.token;
    },
  };
}

/** Returns the expiry time in milliseconds. This does not verify the token; the cache does. */
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
