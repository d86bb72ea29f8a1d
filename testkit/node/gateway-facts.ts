import type { GatewayFacts } from "../../src/client/gateway/gateway-facts.ts";

/** The public key of cache.nixos.org, which is built into Nix. */
export const PUBLIC_KEY = "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";

/** An answer of GET api/v1/cache. */
export const GATEWAY_FACTS: GatewayFacts = {
  version: "0.1.0",
  storeDir: "/nix/store",
  priority: 41,
  access: "public",
  publicKeys: [PUBLIC_KEY],
  uploads: true,
  partSizeThreshold: 16 * 1024 * 1024,
};
