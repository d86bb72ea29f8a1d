import { HonoBase } from "hono/hono-base";
import { TrieRouter } from "hono/router/trie-router";
import type { AppEnv } from "./exchange.ts";

export type WorkerApp = HonoBase<AppEnv>;

/**
 * Creates a Hono application with the trie router alone, which is strict about a
 * final slash. The package's main entry also brings a second router for hundreds of
 * routes: 10 KB of the bundle for a dozen routes.
 */
export function createHono(getPath?: (request: Request) => string): WorkerApp {
  return new HonoBase<AppEnv>({
    router: new TrieRouter(),
    ...(getPath === undefined ? {} : { getPath }),
  });
}
