import type { NarKey, ObjectPath } from "../../nix/object-key.ts";
import { err, ok, type Result } from "../../result.ts";

declare const brand: unique symbol;

/**
 * Where a NAR lies that was sent straight to the bucket and is not proved yet:
 * `.incoming/<file hash>.nar<ext>/<tag>/<random>` below the prefix. No route
 * reads there (law 2), since no `ObjectPath` begins with a dot.
 */
export type IncomingPath = string & { readonly [brand]: "IncomingPath" };

/** All that the gateway ever touches in the bucket. */
export type BucketPath = ObjectPath | IncomingPath;

// 128 bits: two uploads never meet, and nobody guesses the name of another's.
const RANDOM_BYTES = 16;

/** Below which the uploads of one NAR by one token lie; `tag` stands for the token, as 16 hex digits. */
export function incomingFolder(nar: NarKey, tag: string): string {
  return `.incoming/${nar.path.slice("nar/".length)}/${tag}/`;
}

/** A name that no other upload has. */
export function createIncomingPath(folder: string): IncomingPath {
  const path = folder + crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).toHex();
  const checked = parseIncomingPath(path);
  if (!checked.ok) throw new TypeError(`${path} ${checked.error}`);
  return checked.value;
}

export function parseIncomingPath(text: string): Result<IncomingPath> {
  return /^\.incoming\/[0-9a-z]{52}\.nar(?:\.[0-9a-z]+)?\/[0-9a-f]{16}\/[0-9a-f]{32}$/.test(text)
    ? ok(text as IncomingPath)
    : err("is not a name of an incoming NAR");
}
