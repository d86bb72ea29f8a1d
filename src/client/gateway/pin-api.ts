import {
  pinRemovedSchema,
  pinsAnswerSchema,
  type PinSetAnswer,
  pinSetSchema,
} from "../../api/answers.ts";
import { ENDPOINTS } from "../../api/endpoints.ts";
import { gatherPins, type NamedRevision, type Pin, type PinKeep } from "../../api/pins.ts";
import {
  formatStorePathBaseName,
  parseStorePathBaseName,
  type StorePath,
} from "../../nix/store-path.ts";
import { toOneLine } from "../plain-text.ts";
import { type CacheClient, CacheRefusal } from "./cache-client.ts";
import { createNewerCall } from "./newer-call.ts";
import { notUnderstood, understandAnswer } from "./understand-answer.ts";

export interface PinList {
  readonly pins: readonly Pin[];
  /** Names of objects that are no pins, each in one line. */
  readonly unreadable: readonly string[];
}

/**
 * Calls the endpoints of pins. Throws a `CacheRefusal` if the gateway refuses, and a
 * `ClientError` for a gateway that knows no pins.
 */
export interface PinApi {
  list(): Promise<PinList>;
  set(name: string, path: StorePath, keep: PinKeep): Promise<PinSetAnswer>;
  /** Removes a pin, and returns the number of revisions that it had. */
  remove(name: string): Promise<number>;
}

/** A million revisions. A gateway that has more pages than this is broken. */
const MAX_PAGES = 1000;

export function createPinApi(client: CacheClient): PinApi {
  const call = createNewerCall(client, "knows no pins");

  return {
    async list() {
      const revisions: NamedRevision[] = [];
      const unreadable: string[] = [];
      let after: string | undefined;
      for (let page = 0; page < MAX_PAGES; page++) {
        const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
        const answer = await call("GET", ENDPOINTS.pins + query);
        const listed = understandAnswer(pinsAnswerSchema, answer, ENDPOINTS.pins);
        for (const { name, path: base, at, by, keep } of listed.revisions) {
          const path = parseStorePathBaseName(base);
          // The schema has checked it.
          if (path.ok) {
            revisions.push({ name, revision: { path: path.value, at, by: toOneLine(by), keep } });
          }
        }
        unreadable.push(...listed.unreadable.map(toOneLine));
        after = listed.next ?? undefined;
        if (after === undefined) return { pins: gatherPins(revisions), unreadable };
      }
      throw notUnderstood(ENDPOINTS.pins, "it has no last page");
    },

    async set(name, path, keep) {
      const input = { name, path: formatStorePathBaseName(path), keep };
      return understandAnswer(
        pinSetSchema,
        await call("POST", ENDPOINTS.pins, input),
        ENDPOINTS.pins,
      );
    },

    async remove(name) {
      const target = ENDPOINTS.pinRemoval;
      let removed = 0;
      for (let request = 0; request < MAX_PAGES; request++) {
        const answer = await call("POST", target, { name }).catch((error: unknown) => {
          // Another client has removed the rest.
          const isGone = error instanceof CacheRefusal && error.code === "pin-unknown";
          if (isGone && removed > 0) return { removed: 0, rest: false };
          throw error;
        });
        const step = understandAnswer(pinRemovedSchema, answer, target);
        removed += step.removed;
        if (!step.rest) return removed;
      }
      throw notUnderstood(target, "the pin never ends");
    },
  };
}
