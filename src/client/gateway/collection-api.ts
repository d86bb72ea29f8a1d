import {
  collectionStateSchema,
  type CollectionState,
  type PlannedPathsAnswer,
  plannedPathsSchema,
  type WhyPathAnswer,
  whySchema,
} from "../../api/collection.ts";
import { ENDPOINTS } from "../../api/endpoints.ts";
import type { StorePathHash } from "../../nix/store-path.ts";
import type { CacheClient } from "./cache-client.ts";
import { createNewerCall } from "./newer-call.ts";
import { understandAnswer } from "./understand-answer.ts";

export type PlannedPathLine = PlannedPathsAnswer["paths"][number];

/**
 * Calls the endpoints of collection. Throws a `CacheRefusal` if the gateway refuses, and a
 * `ClientError` for a gateway that cannot collect.
 */
export interface CollectionApi {
  start(kind: "plan" | "run"): Promise<CollectionState>;
  readState(): Promise<CollectionState>;
  /** Returns the paths that go, or those that stay, in the order of their hashes. */
  listPaths(show: "going" | "staying"): AsyncGenerator<PlannedPathLine>;
  why(hash: StorePathHash): Promise<WhyPathAnswer>;
}

export function createCollectionApi(client: CacheClient): CollectionApi {
  const call = createNewerCall(client, "cannot collect");

  return {
    async start(kind) {
      const answer = await call("POST", ENDPOINTS.collect, { kind });
      return understandAnswer(collectionStateSchema, answer, ENDPOINTS.collect);
    },

    async readState() {
      const answer = await call("GET", ENDPOINTS.collectionState);
      return understandAnswer(collectionStateSchema, answer, ENDPOINTS.collectionState);
    },

    async *listPaths(show) {
      let after: string | null = null;
      do {
        const target: string = `${ENDPOINTS.plannedPaths}?show=${show}${after === null ? "" : `&after=${after}`}`;
        const page: PlannedPathsAnswer = understandAnswer(
          plannedPathsSchema,
          await call("GET", target),
          ENDPOINTS.plannedPaths,
        );
        yield* page.paths;
        // A page that does not go on would be asked for without end.
        after = page.next !== null && page.next > (after ?? "") ? page.next : null;
      } while (after !== null);
    },

    async why(hash) {
      const answer = await call("GET", `${ENDPOINTS.why}?path=${hash}`);
      return understandAnswer(whySchema, answer, ENDPOINTS.why);
    },
  };
}
