import path from "node:path";
import type { GatewayFacts } from "../../src/api/answers.ts";
import { createFakeNix, type FakeNixOptions } from "./fake-nix.ts";
import { GATEWAY_FACTS, PUBLIC_KEY } from "./gateway-facts.ts";
import { runNargate } from "./run-nargate.ts";
import { answerJson, serve } from "./serve.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

export const TRUSTED: FakeNixOptions = { store: { url: "daemon", trusted: true } };
export const UNTRUSTED: FakeNixOptions = { store: { url: "daemon", trusted: false } };

/** Prepares a user with a home, and a cache. */
export async function prepareUse(nix: FakeNixOptions = TRUSTED, facts: Partial<GatewayFacts> = {}) {
  const home = await temporaryDirectory();
  const url = await serve((request, response) => {
    if (request.url === "/api/v1/cache") answerJson(response, { ...GATEWAY_FACTS, ...facts });
    else answerJson(response, { name: "ci", scopes: ["read"], expires: null });
  });
  // What a Nix that obeys the lines would say.
  const own = { substituters: [url], "trusted-public-keys": [PUBLIC_KEY] };
  const PATH = await createFakeNix(home, { own, ...nix });
  const env = { PATH, HOME: home, NIX_CONF_DIR: path.join(home, "etc") };
  const nixConf = path.join(home, ".config/nix/nix.conf");
  return {
    home,
    url,
    nixConf,
    run: (args: readonly string[], more: Readonly<Record<string, string>> = {}) =>
      runNargate(["use", url, ...args], { env: { ...env, ...more }, cwd: home }),
  };
}
