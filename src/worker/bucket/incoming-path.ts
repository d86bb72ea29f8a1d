import type { NarKey, ObjectPath } from "../../nix/object-key.ts";
import { err, ok, type Result } from "../../result.ts";
import type { NargatePath } from "./nargate-path.ts";

declare const brand: unique symbol;

/**
 * The path of a NAR that a client sent straight to the bucket and that is not
 * proved yet: `.incoming/<file hash>.nar<ext>/<tag>/<random>`, relative to the
 * prefix. No route reads there (law 2), because no `ObjectPath` begins with a dot.
 * `signed-` before `<random>` says that the gateway signs only PUTs of exactly these
 * bytes to the path, and no parts: a bucket that checks them has proved the object.
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

const SIGNED = "signed-";

/** Returns a new path in `folder` (see `incomingFolder`) that no other upload has. */
export function createIncomingPath(folder: string, kind: "parts" | "signed"): IncomingPath {
  const random = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES)).toHex();
  const path = folder + (kind === "signed" ? SIGNED : "") + random;
  const checked = parseIncomingPath(path);
  if (!checked.ok) throw new TypeError(`${path} ${checked.error}`);
  return checked.value;
}

/** Whether only signed PUTs of the right bytes can have stored an object there. */
export function isSignedPath(path: IncomingPath): boolean {
  return path.includes(`/${SIGNED}`);
}

/** Parses the path of an incoming NAR. The error is a predicate: "is not …". */
export function parseIncomingPath(text: string): Result<IncomingPath> {
  return /^\.incoming\/[0-9a-z]{52}\.nar(?:\.[0-9a-z]+)?\/[0-9a-f]{16}\/(?:signed-)?[0-9a-f]{32}$/.test(
    text,
  )
    ? ok(text as IncomingPath)
    : err("is not the path of an incoming NAR");
}

/** The names of one probe (see `checks/payload-probe.ts`), each with a path of its own. */
export interface ProbePaths {
  /** With a final slash. */
  readonly folder: string;
  /** Returns the path of a name, always the same. */
  of(name: string): IncomingPath;
  /** Returns the name of a path. A path of no name is a name itself. */
  nameOf(path: string): string;
}

/**
 * Returns the paths of a new probe. They look like incoming NARs, so that the sweep
 * removes what an interrupted probe leaves. The file hash is one that no NAR has.
 */
export function createProbePaths(): ProbePaths {
  const tag = crypto.getRandomValues(new Uint8Array(RANDOM_BYTES / 2)).toHex();
  const folder = `.incoming/${"0".repeat(52)}.nar/${tag}/`;
  const byName = new Map<string, IncomingPath>();
  return {
    folder,
    of(name) {
      const known = byName.get(name) ?? createIncomingPath(folder, "signed");
      byName.set(name, known);
      return known;
    },
    nameOf: (path) => [...byName].find(([, known]) => known === path)?.[0] ?? path,
  };
}
