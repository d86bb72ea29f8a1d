import type { OidcEnvironment } from "../../src/worker/access/oidc/issuer-keys.ts";
import { type CatalogPort, CATALOG_METHODS } from "../../src/worker/catalog/catalog.ts";
import { createClock } from "./clock.ts";
import { startGateway, type TestGateway } from "./gateway.ts";

/** Starts a gateway with CATALOG=on, whose catalog is the given one. All its waits end at once. */
export async function startCatalogGateway(
  catalog: CatalogPort,
  settings: Record<string, string> = {},
  oidc?: OidcEnvironment,
): Promise<TestGateway> {
  return await startGateway({ CATALOG: "on", ...settings }, oidc, (gateway) => ({
    ...gateway,
    clock: createClock({ sleep: async () => await scheduler.wait(20) }),
    openCatalog: () => catalog,
    sampleUses: (_, __, waitUntil) => (hash) => waitUntil(catalog.noteUsed([hash]).catch(() => {})),
  }));
}

/** Returns a catalog that does this for each call. */
export function brokenCatalog(call: () => Promise<never>): CatalogPort {
  return Object.fromEntries(CATALOG_METHODS.map((method) => [method, call])) as never;
}

/** The ways in which the object of a catalog can fail, by what each is. */
export const BROKEN_CATALOGS = {
  "that throws": async () => {
    throw new Error("the object broke");
  },
  "that never answers": async () => await new Promise<never>(() => {}),
  "whose rows are used up": async () => {
    throw new Error("Exceeded allowed rows written in Durable Objects free tier.");
  },
  "of an older version": async () => {
    throw new Error("the catalog is off, or has no method listPaths");
  },
} as const satisfies Record<string, () => Promise<never>>;
