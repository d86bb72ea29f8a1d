/**
 * Made by Nix 2.8.0 with `nix-store --generate-binary-cache-key`. They sign the
 * data in this folder and nothing else.
 */

export const SECRET_KEY_ONE =
  "nargate-test-1:1vUsKpJQexffd/E6S26LByGaxOYCcBed3Hr9tDnYq9hcVSHpQljDbPYk70kKhuA81bf7KqjUdU2tglS8aDX4dA==";
export const PUBLIC_KEY_ONE = "nargate-test-1:XFUh6UJYw2z2JO9JCobgPNW3+yqo1HVNrYJUvGg1+HQ=";

export const SECRET_KEY_TWO =
  "nargate-test-2:DKPW8tIXp+mk0U3jjxkSqL+Q47EBUEw+DpuSVUPiFfTWlJ+fyRlqdtdXqTEadGezzJMn1YT08eyCJl014qf7Kw==";
export const PUBLIC_KEY_TWO = "nargate-test-2:1pSfn8kZanbXV6kxGnRns8yTJ9WE9PHsgiZdNeKn+ys=";

/** In every Nix: the default of trusted-public-keys. */
export const CACHE_NIXOS_ORG_KEY =
  "cache.nixos.org-1:6NCHdD59X431o0gWypbMrAURkbJ16ZPMQFGspcDShjY=";
