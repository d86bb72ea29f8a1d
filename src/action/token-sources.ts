import { createHttpClient } from "../client/gateway/http-client.ts";
import type { TokenSource } from "../client/gateway/open-cache.ts";
import type { ActionContext } from "./action-context.ts";
import { createOidcTokens } from "./oidc-tokens.ts";
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
