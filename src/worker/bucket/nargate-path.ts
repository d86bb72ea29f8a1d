import { err, ok, type Result } from "../../result.ts";

declare const brand: unique symbol;

/**
 * A path below `.nargate/`, relative to the prefix: notes that the gateway keeps for
 * itself. No route reads there, because no `ObjectPath` begins with a dot.
 */
export type NargatePath = string & { readonly [brand]: "NargatePath" };

// S3 allows keys of 1,024 bytes, and the prefix needs some of them.
const MAX_LENGTH = 800;

const PATH = /^\.nargate(?:\/[0-9a-z][0-9a-z.-]*)+$/;

// Names of pins and of store paths have capital letters and more characters. No part of
// the path begins with a dot, so none is "." or "..".
const PIN_PATH = /^\.nargate\/pins(?:\/[0-9A-Za-z][\w.+?=@:-]*)+$/;

/** Parses a path below `.nargate/`. The error is a predicate: "is not …". */
export function parseNargatePath(text: string): Result<NargatePath> {
  return text.length <= MAX_LENGTH && (PATH.test(text) || PIN_PATH.test(text))
    ? ok(text as NargatePath)
    : err("is not a path below .nargate/");
}

/** Holds the result of the last payload probe; see `ingest/direct/payload-check.ts`. */
export const PAYLOAD_CHECK_PATH = ".nargate/payload-check.json" as NargatePath;
