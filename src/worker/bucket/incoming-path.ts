import type { NarKey, ObjectPath } from "../../nix/object-key.ts";
import { err, ok, type Result } from "../../result.ts";
import type { NargatePath } from "./nargate-path.ts";

declare const brand: unique symbol;

/**
 * The path of a NAR that a client sent straight to the bucket and that is not
 * proved yet: `.incoming/<file hash>.nar<ext>/<tag>/<random>`, relative to the
 * prefix. No route reads there (law 2), because no `ObjectPath` begins with a dot.
 */
export type IncomingPath = string & { readonly [brand]: "IncomingPath" };

/** Every path that the gateway reads or writes in the bucket. */
export type BucketPath = ObjectPath | IncomingPath | NargatePath;

// 128 random bits: two uploads never get the same path, and a client cannot guess
// the path of another client's upload.
const RANDOM_BYTES = 16;

/**
 * Returns the folder for the uploads of one NAR by one token, with its final
 * slash. `tag` stands for the token, and has 16 hex digits.
 */
export function incomingFolder(nar: NarKey, tag: string): string {
  return `.incoming/${nar.path.slice("nar/".length)}/${tag}/`;
}

/** Returns a new path in `folder` (see `incomingFolder`) that no other upload has. */
export function createIncomingPath(folder: string): IncomingPath {
  const path = folder + crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).toHex();
  const checked = parseIncomingPath(path);
  if (!checked.ok) throw new TypeError(`${path} ${checked.error}`);
  return checked.value;
}

/** Parses the path of an incoming NAR. The error is a predicate: "is not …". */
export function parseIncomingPath(text: string): Result<IncomingPath> {
  return /^\.incoming\/[0-9a-z]{52}\.nar(?:\.[0-9a-z]+)?\/[0-9a-f]{16}\/[0-9a-f]{32}$/.test(text)
    ? ok(text as IncomingPath)
    : err("is not the path of an incoming NAR");
}
